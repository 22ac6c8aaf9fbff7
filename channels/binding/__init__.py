"""Data binding between models and WebSockets, at its Channels 1.x import path."""

from channels.binding.base import Binding

__all__ = ["Binding"]
