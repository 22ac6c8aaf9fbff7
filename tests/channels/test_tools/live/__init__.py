"""A small project whose tests use ChannelLiveServerTestCase; they are run with `manage.py test`."""
