"""What starts the split: `python -m deploy.up`; files for supervisord, systemd, nginx, Docker."""
