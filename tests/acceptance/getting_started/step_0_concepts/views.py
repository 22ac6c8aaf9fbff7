from django.http import HttpResponse

from .models import BlogUpdate


def view(request):
    update = BlogUpdate.objects.create(content=request.POST["content"])
    return HttpResponse("update %d" % update.id)
