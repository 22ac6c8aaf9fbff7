from django.urls import path
from rooms import views

urlpatterns = [path("rooms/<slug:name>/", views.lines), path("login/<str:username>/", views.log_in)]
