"""The live page in Django's admin: who lives, what waits, what was lost, and what to do about it.

Add "channels.monitor" to INSTALLED_APPS; the page is then in the admin, under "Channels".
"""
