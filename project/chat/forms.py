"""The forms of the chat."""

from django import forms

from project.chat.models import MAX_TEXT, Room


class RoomForm(forms.ModelForm):
    """A new room."""

    class Meta:
        model = Room
        fields = ["name", "topic"]


class AnnouncementForm(forms.Form):
    """Something to be said in a room, from a view."""

    room = forms.ModelChoiceField(Room.objects.all(), empty_label=None)
    text = forms.CharField(max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}))
