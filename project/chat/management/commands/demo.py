"""`manage.py demo`: people and rooms to begin with."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from project.chat.models import Room

#: Name -> password of those who are made. For a machine that nobody else reaches.
PEOPLE = {"amy": "demo-amy", "ben": "demo-ben", "admin": "demo-admin"}
ROOMS = {
    "Lobby": "Say hello",
    "咖啡 ☕️": "闲聊，想说什么都行",
    "Field notes": "What did you see today?",
}


class Command(BaseCommand):
    """Makes what is missing, and changes nothing that is there."""

    help = "Make the demo's people (amy, ben, admin) and rooms, if they are missing."

    def handle(self, **options):
        users = get_user_model().objects
        for name, password in PEOPLE.items():
            if not users.filter(username=name).exists():
                make = users.create_superuser if name == "admin" else users.create_user
                make(name, password=password)
        for name, topic in ROOMS.items():
            Room.objects.get_or_create(name=name, defaults={"topic": topic})
        people = ", ".join(f"{name} / {password}" for name, password in PEOPLE.items())
        self.stdout.write(f"People: {people}")
