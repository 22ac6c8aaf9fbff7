"""The page of the live blog, for readers and writers."""

from django import forms
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from project.demos import find_demo
from project.liveblog.models import Post

#: Posts that a page shows.
SHOWN = 30


class PostForm(forms.ModelForm):
    """A new post."""

    class Meta:
        model = Post
        fields = ["headline", "body"]
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}


def posts(request):
    """Show the latest posts; who is logged in may write one. Nothing here sends anything."""
    may_write = request.user.is_authenticated
    form = PostForm(request.POST or None) if may_write else None
    if request.method == "POST" and may_write and form.is_valid():
        form.save()
        return redirect("liveblog:posts")
    context = {"demo": find_demo("liveblog"), "form": form, "posts": _latest()}
    return render(request, "liveblog/posts.html", context)


@never_cache
def latest(request):
    """Return the latest posts, and whether these are all: for a page whose socket was away."""
    posts = _latest()
    return JsonResponse({"posts": posts, "all": len(posts) < SHOWN})


def _latest():
    return [post.as_dict() for post in Post.objects.all()[:SHOWN]]
