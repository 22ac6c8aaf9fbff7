"""The page of the bound table. It shows the values; the binding does the rest."""

from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from project.databinding.models import LIMIT, IntegerValue
from project.demos import find_demo


def show_values(request):
    """Show the table; who is not logged in may watch."""
    context = {"demo": find_demo("databinding"), "page": {"values": _values()}, "limit": LIMIT}
    return render(request, "databinding/values.html", context)


@never_cache
def latest(request):
    """Return all values: for a page whose socket was away."""
    return JsonResponse({"values": _values()})


def _values():
    return list(IntegerValue.objects.values("id", "name", "value"))
