"""The page of the many rooms; all that happens on it goes through its socket."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from project.demos import find_demo
from project.multichat.models import Room


@login_required
def rooms(request):
    """List the rooms, those as well that the user may not join: the server is to say so."""
    context = {"demo": find_demo("multichat"), "rooms": Room.objects.all()}
    return render(request, "multichat/rooms.html", context)
