"""Which view each page goes to."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path, re_path

from project import views

urlpatterns = [
    path("", views.landing, name="landing"),
    path("answers/", views.answer, name="answers"),
    path("split/", views.show_split, name="split"),
    path("split/restart/", views.restart_workers, name="restart_workers"),
    path("accounts/signup/", views.SignUp.as_view(), name="signup"),
    path("accounts/login/", auth_views.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("source/<slug:slug>/", views.show_source, name="source"),
    path("chat/", include("project.chat.urls")),
    path("getting-started/", include("project.getting_started.urls")),
    path("liveblog/", include("project.liveblog.urls")),
    path("multichat/", include("project.multichat.urls")),
    path("databinding/", include("project.databinding.urls")),
    path("thumbnails/", include("project.thumbnails.urls")),
    path("polling/", include("project.polling.urls")),
    path("class-consumers/", include("project.class_consumers.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
    # Last. Without the slash at its end, Django would not add that to the paths above.
    re_path(r"^(?P<path>.*/)$", views.show_not_found),
]
