"""The pages of the thumbnailer."""

from django.urls import path

from project.thumbnails import views

app_name = "thumbnails"
urlpatterns = [
    path("", views.pictures, name="pictures"),
    path("latest/", views.latest, name="latest"),
    path("<int:pk>/again/", views.again, name="again"),
]
