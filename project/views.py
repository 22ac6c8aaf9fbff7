"""The landing page, and signing up."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.shortcuts import redirect, render
from django.views.generic import FormView

from project.demos import DEMOS


def landing(request):
    """List the demos."""
    return render(request, "site/landing.html", {"demos": DEMOS})


class SignUp(FormView):
    """Make an account, and log in with it."""

    template_name = "registration/signup.html"
    form_class = UserCreationForm

    def form_valid(self, form):
        login(self.request, form.save())
        return redirect(settings.LOGIN_REDIRECT_URL)
