"""The pages of the bound table."""

from django.urls import path

from project.databinding import views

app_name = "databinding"
urlpatterns = [
    path("", views.show_values, name="values"),
    path("latest/", views.latest, name="latest"),
]
