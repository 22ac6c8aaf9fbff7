"""A Django database backend: SQLite that can be "restarted", as a database server is.

Writing another text into the file `<NAME>.restarts` breaks every connection made before.
"""
