"""The landing page, the sources of what it lists, and signing up."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.generic import FormView

from project.demos import CHAT, TUTORIALS, find_demo


def landing(request):
    """List the demos."""
    return render(request, "site/landing.html", {"chat": CHAT, "tutorials": TUTORIALS})


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
