"""Class-based consumers, at their Channels 1.x import path."""

from channels.generic.base import BaseConsumer

__all__ = ["BaseConsumer"]
