"""The page of the many rooms."""

from django.urls import path

from project.multichat import views

app_name = "multichat"
urlpatterns = [
    path("", views.rooms, name="rooms"),
]
