"""Pages."""

from django.http import HttpResponse, JsonResponse

from channels import Channel


def post(request, slug):
    return HttpResponse("<h1>%s</h1>" % slug)


def publish(request):
    Channel("chat-messages").send({"room": "news", "message": request.POST["text"]})
    return JsonResponse({"user": request.user.username, "files": sorted(request.FILES)})
