"""The demo's settings, on the layer that the environment describes as JSON."""

import json
import os

from project.settings import *  # noqa: F403
from project.settings import CHANNEL_LAYERS as _OF_THE_DEMO

CHANNEL_LAYERS = {"default": {**_OF_THE_DEMO["default"], **json.loads(os.environ["LAYER"])}}
