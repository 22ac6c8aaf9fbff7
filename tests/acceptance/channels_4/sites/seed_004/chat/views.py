import json

from django.http import HttpResponse
from django.utils.html import escape


def index(request):
    return HttpResponse("rooms")


def room(request, room_name):
    return HttpResponse(escape(json.dumps(room_name)))
