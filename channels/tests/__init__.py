"""`channels.test` under the name it had in Channels 1.0."""

from channels.test import *  # noqa: F403
