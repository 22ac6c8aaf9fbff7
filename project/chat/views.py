"""The pages of the chat. They run in a worker, like every view, and may send to Groups."""

from django.contrib import messages as notices
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from project.chat.delivery import people_in, say
from project.chat.forms import AnnouncementForm, RoomForm
from project.chat.models import Room

#: Messages that the page gets at once.
PAGE_SIZE = 50


@login_required
def rooms(request):
    """List the rooms; make one."""
    form = RoomForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.save())
    listed = Room.objects.annotate(
        people=Count("presences__user", distinct=True), said=Count("messages", distinct=True)
    )
    return render(request, "chat/rooms.html", {"rooms": listed, "form": form})


@login_required
@never_cache
def show_room(request, slug):
    """Show a room: what was said last, and the page that goes on from there."""
    found = get_object_or_404(Room, slug=slug)
    page = {
        "me": request.user.get_username(),
        "slug": found.slug,
        "historyUrl": "messages/",
        "streamPath": f"/chat/stream/{found.slug}/",
        "people": people_in(found),
        **_page_of(found.messages.order_by("-id")),
    }
    page["messages"].reverse()
    context = {"room": found, "rooms": Room.objects.all(), "page": page}
    return render(request, "chat/room.html", context)


@login_required
@never_cache
def history(request, slug):
    """Return what was said after (or before) a message, oldest first: ?after=17 or ?before=17."""
    said = get_object_or_404(Room, slug=slug).messages
    try:
        if "before" in request.GET:
            page = _page_of(said.filter(id__lt=int(request.GET["before"])).order_by("-id"))
            page["messages"].reverse()
        else:
            page = _page_of(said.filter(id__gt=int(request.GET.get("after", 0))).order_by("id"))
    except ValueError as error:
        raise Http404("before and after take the number of a message") from error
    return JsonResponse(page)


def _page_of(messages):
    """Return the first PAGE_SIZE of `messages`, and whether there are more."""
    found = list(messages.select_related("author")[: PAGE_SIZE + 1])
    return {
        "messages": [message.as_dict() for message in found[:PAGE_SIZE]],
        "more": len(found) > PAGE_SIZE,
    }


@login_required
def announce(request):
    """Say something in a room without being there: a view sends to a Group."""
    form = AnnouncementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        room, text = form.cleaned_data["room"], form.cleaned_data["text"]
        say(room, request.user, text, is_announcement=True)
        notices.success(request, f"Announced in {room}.")
        return redirect("chat:announce")
    return render(request, "chat/announce.html", {"form": form})
