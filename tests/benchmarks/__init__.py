"""The benchmark: this project against Channels 4, Channels 1.1.8 and gunicorn on one machine."""
