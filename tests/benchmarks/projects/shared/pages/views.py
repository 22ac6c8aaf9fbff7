"""Four views: small, database and template, large response, large request."""

from django.http import HttpResponse
from django.shortcuts import render

from pages.models import Entry

LARGE = b"x" * 1024 * 1024


def small(request):
    """Answer 13 bytes."""
    return HttpResponse(b"Hello, world!", content_type="text/plain")


def entries(request):
    """One query, twenty rows, one template."""
    return render(request, "pages/entries.html", {"entries": Entry.objects.all()[:20]})


def large(request):
    """Answer 1 MiB."""
    return HttpResponse(LARGE, content_type="application/octet-stream")


def upload(request):
    """Answer the length of the request's body."""
    return HttpResponse(str(len(request.body)), content_type="text/plain")
