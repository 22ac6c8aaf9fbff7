"""The page of the thumbnailer. An upload is answered at once: the work is done elsewhere."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from channels import Channel
from project.demos import find_demo
from project.thumbnails.models import Picture
from project.thumbnails.scaling import NO_PILLOW, is_available

#: Pictures that a page shows.
SHOWN = 12
#: The largest upload.
MAX_BYTES = 10 * 1024 * 1024


class PictureForm(forms.ModelForm):
    """A picture to upload."""

    class Meta:
        model = Picture
        fields = ["original"]

    def clean_original(self):
        file = self.cleaned_data["original"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(f"A picture has at most {MAX_BYTES // 2**20} MB.")
        return file


@login_required
def pictures(request):
    """Show one's pictures; take a new one."""
    form = PictureForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        form.instance.owner = request.user
        form.instance.name = form.cleaned_data["original"].name[:100]
        send_to_background(form.save())
        return redirect("thumbnails:pictures")
    context = {
        "demo": find_demo("thumbnails"),
        "form": form,
        "page": {"pictures": _latest(request.user)},
        "warning": "" if is_available() else NO_PILLOW,
    }
    return render(request, "thumbnails/pictures.html", context)


@login_required
@require_POST
def again(request, pk):
    """Have the thumbnails made once more: a message may be lost with a worker that is killed."""
    send_to_background(get_object_or_404(Picture, pk=pk, owner=request.user))
    return redirect("thumbnails:pictures")


@login_required
@never_cache
def latest(request):
    """Return one's pictures: for a page whose socket was away."""
    return JsonResponse({"pictures": _latest(request.user)})


def send_to_background(picture):
    """Ask for the thumbnails of a picture, and tell its owner's pages that it is there."""
    picture.tell(percent=0)
    Channel("thumbnails").send({"id": picture.pk})


def _latest(user):
    found = Picture.objects.filter(owner=user).prefetch_related("thumbnails")
    return [picture.as_dict() for picture in found[:SHOWN]]
