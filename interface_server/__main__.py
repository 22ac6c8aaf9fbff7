"""The way in: `interface-server`, and `python -m interface_server`."""

import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    """Run the command. What keeps it from being imported is said in one line."""
    try:
        from channels.package_checks import check_names

        check_names()
        from interface_server import cli
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
    is_module = sys.argv[0].endswith("__main__.py")
    cli.main("python -m interface_server" if is_module else None)


if __name__ == "__main__":
    main()
