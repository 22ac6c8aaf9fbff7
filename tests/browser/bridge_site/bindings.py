"""The binding, where every process of the project finds it."""

from channels.binding.websockets import WebsocketBinding
from tests.browser.bridge_site.models import Item


class ItemBinding(WebsocketBinding):
    model = Item
    stream = "items"
    fields = ["name"]

    @classmethod
    def group_names(cls, instance):
        return ["items"]

    def has_permission(self, user, action, pk):
        return True
