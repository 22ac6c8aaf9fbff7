"""Pages."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.urls import path


def users(request):
    names = get_user_model().objects.order_by("username").values_list("username", flat=True)
    return HttpResponse(f"{settings.GREETING} {', '.join(names)}")


urlpatterns = [path("users/", users)]
