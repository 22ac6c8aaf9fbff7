"""The pages of the long poll. The poll itself, at /poll/, is in routing.py."""

from django.urls import path

from project.polling import views

app_name = "polling"
urlpatterns = [
    path("", views.show_bell, name="bell"),
    path("ring/", views.ring, name="ring"),
    path("waiting/", views.count_waiting, name="waiting"),
]
