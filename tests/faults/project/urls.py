"""URLs of the faults' project."""

from django.urls import path

from tests.faults.project import views

urlpatterns = [
    path("", views.hello),
    path("wait/<int:ms>", views.wait),
    path("stream/<int:pieces>/<int:pause_ms>", views.stream),
    path("announced/<int:length>/<int:size>", views.announce),
    path("announced/<int:length>/<int:size>/streamed", views.announce, {"is_streamed": True}),
    path("upload", views.upload),
    path("client", views.client),
    path("log-in/<str:name>", views.log_in),
    path("fail", views.fail),
]
