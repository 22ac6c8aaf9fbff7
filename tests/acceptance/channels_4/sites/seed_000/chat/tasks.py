import logging

from channels.consumer import AsyncConsumer, SyncConsumer


class GenerateConsumer(SyncConsumer):
    def generate(self, message):
        logging.getLogger("django").error("generated %s", message["id"])


class DeleteConsumer(AsyncConsumer):
    async def delete(self, message):
        logging.getLogger("django").error("deleted %s", message["id"])
