"""A private nginx, with the site that a recipe writes for it."""

import os
import re
import shutil
import subprocess

from tests.processes.base import Process, free_port
from tests.processes.split import REPOSITORY

EXAMPLE = REPOSITORY / "deploy" / "examples" / "nginx" / "mysite.conf"


def find_nginx():
    """Return the path of nginx, which is not on everybody's PATH; or None."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def make_certificate(folder):
    """Make a certificate for www.example.org; return the paths of it and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=www.example.org", "-addext", "subjectAltName=DNS:www.example.org"]
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Nginx(Process):
    """nginx with the site that `channels_deploy nginx` writes, on a free port of 127.0.0.1.

    Args:
        directory: where its configuration, its log and its other files go.
        upstream: the interface server, as nginx names one: "127.0.0.1:8000", "unix:/path".
        text: the site; by default that of deploy/examples.
        certificate, key: for TLS; without them it speaks plain HTTP, and lets any number in.
    """

    def __init__(self, directory, upstream, *, text=None, certificate=None, key=None):
        self.port, self.plain_port = free_port(), free_port()
        text = text or EXAMPLE.read_text()
        changes = [
            (r"server \S+ max_fails", f"server {upstream} max_fails"),
            (r"listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
        ]
        if certificate:
            changes += [
                (r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
                (r"ssl_certificate .*;", f"ssl_certificate {certificate};"),
                (r"ssl_certificate_key .*;", f"ssl_certificate_key {key};"),
            ]
        else:
            changes += [
                (r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port};"),
                (r"(?m)^ *(ssl|limit)_.*;$", ""),
            ]
        for theirs, ours in changes:
            text, count = re.subn(theirs, ours, text)
            assert count, theirs
        configuration = directory / "nginx.conf"
        configuration.write_text(self._configuration(directory, text))
        super().__init__(
            [find_nginx(), "-p", directory, "-c", configuration, "-e", "stderr"],
            directory / "nginx.log",
        )
        self.wait_until_connectable(("127.0.0.1", self.port))

    @staticmethod
    def _configuration(directory, site):
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
