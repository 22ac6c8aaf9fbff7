"""Consumers written for Channels 1.x: the same file runs on 1.1.8 and on Channels Classic."""
