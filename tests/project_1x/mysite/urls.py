"""Pages."""

from blog.views import post, publish
from django.urls import re_path

urlpatterns = [
    re_path(r"^posts/(?P<slug>[^/]+)/$", post),
    re_path(r"^publish/$", publish),
]
