"""The pages that the load generator asks for."""

from pages import views

try:
    from django.urls import re_path
except ImportError:  # Django 1.11
    from django.conf.urls import url as re_path

urlpatterns = [
    re_path(r"^small/$", views.small),
    re_path(r"^entries/$", views.entries),
    re_path(r"^large/$", views.large),
    re_path(r"^upload/$", views.upload),
]
