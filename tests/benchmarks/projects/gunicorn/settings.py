"""Django alone: no channels."""

from pages.base_settings import *  # noqa: F403
