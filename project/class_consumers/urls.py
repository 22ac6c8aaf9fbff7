"""The pages of the tutorials with class consumers."""

from django.urls import path

from project.class_consumers import views

app_name = "class_consumers"
urlpatterns = [
    path("chat/", views.choose_room, name="chat"),
    path("chat/<slug:room_name>/", views.show_room, name="room"),
    path("counter/", views.show_counter, name="counter"),
    path("counter/restart/", views.restart_worker, name="restart"),
    path("notices/", views.show_notices, name="notices"),
    path("notices/send/", views.send_notice, name="send_notice"),
    path("ticker/", views.show_ticker, name="ticker"),
    path("background/", views.show_background, name="background"),
]
