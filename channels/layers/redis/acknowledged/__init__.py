"""Channels whose messages stay owned until their consumer has ended."""
