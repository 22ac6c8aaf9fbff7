"""A Django project that uses Channels Classic as any other would: through `channels` only."""
