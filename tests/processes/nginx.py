"""A private nginx, with the site that deploy/ has for it."""

import os
import shutil

from tests.processes.base import Process, free_port
from tests.processes.split import REPOSITORY


def find_nginx():
    """Return the path of nginx, which is not on everybody's PATH; or None."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Nginx(Process):
    """nginx with deploy/nginx.conf, on a free port of 127.0.0.1.

    Args:
        directory: where its configuration, its log and its other files go.
        upstream: the interface server, as nginx names one: "127.0.0.1:8000", "unix:/path".
    """

    def __init__(self, directory, upstream):
        self.port = free_port()
        configuration = directory / "nginx.conf"
        configuration.write_text(self._configuration(directory, upstream))
        super().__init__(
            [find_nginx(), "-p", directory, "-c", configuration, "-e", "stderr"],
            directory / "nginx.log",
        )
        self.wait_until_connectable(("127.0.0.1", self.port))

    def _configuration(self, directory, upstream):
        site = (REPOSITORY / "deploy" / "nginx.conf").read_text()
        for theirs, ours in (
            ("server unix:/run/channels/interface.sock;", f"server {upstream};"),
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
        ):
            assert theirs in site
            site = site.replace(theirs, ours)
        folders = "\n".join(
            f"{kind}_temp_path {directory}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # Started by root, its workers would run as somebody who can't open our socket.
        user = "user root;" if os.geteuid() == 0 else ""
        return (
            f"{user} pid {directory}/nginx.pid; daemon off; events {{}} error_log stderr;\n"
            f"http {{ access_log off; {folders}\n{site} }}"
        )
