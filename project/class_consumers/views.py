"""The pages of the tutorials with class consumers, and what their forms do."""

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_POST

from channels.asgi import channel_layers
from channels.layers import get_channel_layer
from project.class_consumers.notices.consumers import group_of
from project.demos import find_demo


def choose_room(request):
    """Ask for a room's name."""
    return render(request, "class_consumers/choose.html", {"demo": find_demo("chat-4")})


def show_room(request, room_name):
    """Show a room of the tutorial's chat."""
    context = {"demo": find_demo("chat-4"), "room_name": room_name.replace("-", "_")}
    return render(request, "class_consumers/room.html", context)


def show_counter(request):
    """Show a counter that lives on a consumer's `self`."""
    return render(request, "class_consumers/counter.html", {"demo": find_demo("counter")})


@require_POST
def restart_worker(request):
    """Tell the worker with this process id to stop; whatever started it starts a new one."""
    layer = channel_layers["default"]
    pid = request.POST.get("worker", "")
    workers = [worker for worker in layer.status()["workers"] if str(worker.get("pid")) == pid]
    if not workers:
        return HttpResponseBadRequest(f"no worker has the process id {pid!r}")
    layer.ask_to_stop(workers[0]["id"])
    return HttpResponse(status=204)


@login_required
def show_notices(request):
    """Show the notices that come for this user."""
    return render(request, "class_consumers/notices.html", {"demo": find_demo("notices")})


@login_required
@require_POST
def send_notice(request):
    """Send a notice to all open pages of this user: a view is as good as any place to do so."""
    text = request.POST.get("text", "").strip()[:200]
    if not text:
        return HttpResponseBadRequest("a notice has 1 to 200 characters")
    send = async_to_sync(get_channel_layer().group_send)
    send(group_of(request.user), {"type": "notice.new", "text": text})
    return HttpResponse(status=204)


def show_ticker(request):
    """Show the events of a response that goes on."""
    return render(request, "class_consumers/ticker.html", {"demo": find_demo("ticker")})


def show_background(request):
    """Show the progress of work in the background."""
    return render(request, "class_consumers/background.html", {"demo": find_demo("background")})
