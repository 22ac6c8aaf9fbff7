"""The pages of the series. The paths of its consumers are in routing.py."""

from django.urls import path

from project.getting_started import views

app_name = "getting_started"
urlpatterns = [
    path("", views.index, name="index"),
    path("step/<slug:slug>/", views.show_step, name="step"),
    path("tell/", views.tell, name="tell"),
]
