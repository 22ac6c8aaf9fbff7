from django.contrib.auth import get_user_model, login
from django.http import HttpResponse, JsonResponse

from rooms.models import Line


def lines(request, name):
    found = Line.objects.filter(room=name)
    return JsonResponse({"lines": [line.text for line in found]})


def log_in(request, username):
    user, _ = get_user_model().objects.get_or_create(username=username)
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse(f"hello {username}")
