"""The pages' sockets, and the consumer that makes thumbnails, in a worker of another kind."""

import logging

from django.core.files.base import ContentFile

from channels.auth import channel_session_user, channel_session_user_from_http
from project.thumbnails.models import Picture, owner_group
from project.thumbnails.scaling import CannotScale, scale

logger = logging.getLogger(__name__)

#: The sizes that are made: pixels of the longer side.
WIDTHS = (96, 192, 384)


# Connected to thumbnails
def make_thumbnails(message):
    picture = Picture.objects.filter(pk=message["id"]).first()
    if picture is None:
        logger.warning("picture %s is gone: no thumbnails", message["id"])
        return
    picture.tell(percent=0, immediately=True)
    try:
        with picture.original.open() as file:
            for done, data in enumerate(scale(file, WIDTHS), 1):
                keep(picture, WIDTHS[done - 1], data)
                # At once: without this it would wait, as all that consumers send, for the end.
                picture.tell(percent=100 * done // len(WIDTHS), immediately=True)
    except (CannotScale, FileNotFoundError) as error:
        picture.tell(percent=0, problem=str(error)[:200])


def keep(picture, width, data):
    # A message that is sent again makes them anew: none is there twice.
    thumbnail, _ = picture.thumbnails.get_or_create(width=width)
    thumbnail.file.delete(save=False)
    thumbnail.file.save(f"{picture.pk}-{width}.webp", ContentFile(data))


# Connected to websocket.connect
@channel_session_user_from_http
def ws_connect(message):
    message.reply_channel.send({"accept": message.user.is_authenticated})
    if message.user.is_authenticated:
        owner_group(message.user.pk).add(message.reply_channel)


# Connected to websocket.disconnect
@channel_session_user
def ws_disconnect(message):
    owner_group(message.user.pk).discard(message.reply_channel)
