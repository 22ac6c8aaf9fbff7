"""No pages: tests name a URLconf of their own."""

urlpatterns = []
