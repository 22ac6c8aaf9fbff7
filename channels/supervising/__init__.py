"""The split under supervisord as a child of one command: `manage.py channels_up` and `./start`."""
