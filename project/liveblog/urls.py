"""The pages of the live blog."""

from django.urls import path

from project.liveblog import views

app_name = "liveblog"
urlpatterns = [
    path("", views.posts, name="posts"),
    path("latest/", views.latest, name="latest"),
]
