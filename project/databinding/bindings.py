"""The model's binding: what is told of it, to whom, and who may change it."""

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from channels.binding.websockets import WebsocketBinding
from project.databinding.models import IntegerValue


class IntegerValueBinding(WebsocketBinding):
    """Both ways at once: whoever watches is told, and whoever is logged in may change it."""

    model = IntegerValue
    stream = "intval"
    fields = ["name", "value"]

    @classmethod
    def group_names(cls, instance):
        return ["binding.values"]

    def has_permission(self, user, action, pk):
        return user.is_authenticated

    def run_action(self, action, pk, data):
        """Tell the one who asked, and nobody else, why it could not be done."""
        try:
            super().run_action(action, pk, data)
        except (ValidationError, ObjectDoesNotExist) as error:
            problems = getattr(error, "messages", [str(error)])
            payload = {"action": "refused", "pk": pk, "problem": " ".join(problems)}
            self.message.reply_channel.send(self.encode(self.stream, payload))
