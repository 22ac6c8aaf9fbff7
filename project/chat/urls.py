"""The pages of the chat."""

from django.urls import path

from project.chat import views

app_name = "chat"
urlpatterns = [
    path("", views.rooms, name="rooms"),
    path("announce/", views.announce, name="announce"),
    path("room/<slug:slug>/", views.show_room, name="room"),
    path("room/<slug:slug>/messages/", views.history, name="history"),
]
