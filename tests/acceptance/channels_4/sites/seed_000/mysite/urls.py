from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("page/", lambda request: HttpResponse("a page"))]
