"""Thumbnails that are made in the background, on a channel of their own.

upload -> view -> Channel("thumbnails") -> make_thumbnails, in another worker -> Group -> page
"""
