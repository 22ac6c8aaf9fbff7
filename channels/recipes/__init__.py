"""Files that run a project's split under supervisord, systemd, nginx, in containers.

`project.py` finds out about the project, `parts.py` says which processes it needs, `writing.py`
makes the files from `templates/`.
"""
