"""The delay server: messages on `asgi.delay` wait in the database, and are sent on when due.

Add "channels.delay" to INSTALLED_APPS, migrate, and run `manage.py rundelay`.
"""
