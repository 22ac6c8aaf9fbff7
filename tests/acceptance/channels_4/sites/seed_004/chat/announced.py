import inspect

from .consumers import ChatConsumer


class AnnouncedConsumer(ChatConsumer):
    """Has handlers for the messages that the last part of the seed sends."""

    if inspect.iscoroutinefunction(ChatConsumer.connect):

        async def chat_system_message(self, event):
            await self.send(text_data=event["text"])

        async def chat_force_disconnect(self, event):
            await self.close()

    else:

        def chat_system_message(self, event):
            self.send(text_data=event["text"])

        def chat_force_disconnect(self, event):
            self.close()
