"""The page of the long poll, and the form that rings."""

from django import forms
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from channels import Channel, Group
from project.demos import find_demo
from project.polling.models import Ring

#: Rings that the page begins with.
SHOWN = 10


class RingForm(forms.ModelForm):
    """What is to be rung."""

    class Meta:
        model = Ring
        fields = ["text"]


@never_cache
def show_bell(request):
    """Show the last rings; the page goes on from there."""
    rings = [ring.as_dict() for ring in Ring.latest(SHOWN)]
    context = {
        "demo": find_demo("polling"),
        "poll_url": request.build_absolute_uri("/poll/"),
        "page": {"rings": rings},
    }
    return render(request, "polling/bell.html", context)


@require_POST
def ring(request):
    """Ring: whoever waits is answered by the consumer of the bell."""
    form = RingForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("a ring has 1 to 80 characters")
    Channel("bell").send({"text": form.cleaned_data["text"]})
    return HttpResponse(status=204)


@never_cache
def count_waiting(request):
    """Return how many clients wait."""
    return JsonResponse({"waiting": len(Group("poll"))})
