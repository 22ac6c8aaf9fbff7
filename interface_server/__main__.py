"""`python -m interface_server`, which is the `interface-server` command."""

from interface_server.cli import main

if __name__ == "__main__":
    main("python -m interface_server")
