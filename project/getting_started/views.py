"""The pages of the series: one for each step, and one that lists them."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from channels import Channel
from project.demos import find_demo
from project.getting_started.models import ChatMessage
from project.getting_started.steps import STEPS, find_step

#: The room of step 6, and how much of what was said there its page shows.
ROOM = "garden"
HISTORY = 10


def index(request):
    """List the steps."""
    context = {"demo": find_demo("getting-started"), "steps": STEPS}
    return render(request, "getting_started/index.html", context)


def show_step(request, slug):
    """Show what a step does, its code, and a panel to try it."""
    step, before, after = find_step(slug)
    if step is None:
        raise Http404(f"there is no step {slug!r}")
    context = {
        "demo": find_demo("getting-started"),
        "step": step,
        "before": before,
        "after": after,
        "files": step.sources(),
        "site": request.build_absolute_uri("/"),
        "room": ROOM,
    }
    if slug == "models":
        said = ChatMessage.objects.filter(room=ROOM).order_by("-id")[:HISTORY]
        context["said"] = reversed(said)
    return render(request, "getting_started/step.html", context)


@require_POST
def tell(request):
    """Say something in the room of step 6, from a view: it sends to the channel, as anybody may."""
    Channel("step6-messages").send({"room": ROOM, "message": "Hello from a view"})
    return HttpResponse(status=204)
