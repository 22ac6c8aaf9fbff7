"""The landing page, the sources of what it lists, and signing up."""

import os

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from channels.asgi import channel_layers
from project.demos import CHAT, CLASS_TUTORIALS, TUTORIALS, find_demo


def landing(request):
    """List the demos."""
    context = {
        "chat": CHAT,
        "tutorials": TUTORIALS,
        "class_tutorials": CLASS_TUTORIALS,
        "is_live": "status" in channel_layers["default"].extensions,
    }
    return render(request, "site/landing.html", context)


@never_cache
def answer(request):
    """Answer: a page asks whether any worker does."""
    return HttpResponse(status=204)


@never_cache
def show_split(request):
    """Return the processes that there are, and which of them answers."""
    status = channel_layers["default"].status(10.0)
    return JsonResponse(
        {
            "answered_by": os.getpid(),
            "servers": [_facts(server, "sockets") for server in status["servers"]],
            "workers": [
                {**_facts(worker), "takes_pages": "http.request" in worker["channels"]}
                for worker in status["workers"]
            ],
        }
    )


def _facts(process, *keys):
    return {key: process[key] for key in ("pid", *keys)}


@require_POST
def restart_workers(request):
    """Tell the workers that serve pages to stop; supervisord starts them again."""
    layer = channel_layers["default"]
    for worker in layer.status(10.0)["workers"]:
        if "http.request" in worker["channels"]:
            layer.ask_to_stop(worker["id"])
    return HttpResponse(status=204)


def show_not_found(request, path):
    """Say that there is no such page, in the site's own style, under DEBUG as well."""
    return render(request, "404.html", status=404)


def show_source(request, slug):
    """Show the code of a demo."""
    demo = find_demo(slug)
    if demo is None:
        raise Http404(f"there is no demo {slug!r}")
    return render(request, "site/source.html", {"demo": demo, "files": demo.sources()})


class SignUp(FormView):
    """Make an account, and log in with it."""

    template_name = "registration/signup.html"
    form_class = UserCreationForm

    def form_valid(self, form):
        login(self.request, form.save())
        return redirect(settings.LOGIN_REDIRECT_URL)
