"""`WSClient`: a client with a path, headers, cookies, a session and a user."""

from __future__ import annotations

import copy
import json as json_module
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, SimpleCookie

from channels.channel import DEFAULT_CHANNEL_LAYER
from channels.sessions import session_for_reply_channel
from channels.test.base import Client
from channels.test.sessions import client_session

if TYPE_CHECKING:
    from channels.messages import Content


#: Messages that come later in the life of a socket: without the query string of its handshake.
_LATER = ("websocket.receive", "websocket.disconnect")


class WSClient(Client):
    """A browser, for tests: sends the messages of a WebSocket or an HTTP request.

    Args:
        ordered: give each message the next `order`, as interface servers do.
        alias: the layer.
    """

    def __init__(self, *, ordered: bool = False, alias: str = DEFAULT_CHANNEL_LAYER) -> None:
        super().__init__(alias=alias)
        self._ordered = ordered
        self._session: Any = None
        self._session_cookie = True
        self._headers: dict[str, str | bytes] = {}
        self._cookies: dict[str, str] = {}
        #: The order of the next message.
        self.order = 0

    def set_cookie(self, key: str, value: str) -> None:
        """Send a cookie from now on."""
        self._cookies[key] = value

    def set_header(self, key: str, value: str | bytes) -> None:
        """Send a header from now on; cookies are set with set_cookie()."""
        if key.lower() == "cookie":
            raise ValueError("Use set_cookie method for cookie header")
        self._headers[key] = value

    def get_cookies(self) -> dict[str, str]:
        """Return the cookies, with that of the session in the first message."""
        cookies = dict(self._cookies)
        if self._session_cookie and apps.is_installed("django.contrib.sessions"):
            if self.session.modified:
                self.session.save()
            cookies[settings.SESSION_COOKIE_NAME] = self.session.http_key
        return cookies

    @property
    def headers(self) -> dict[str, str | bytes]:
        """The headers, with the cookies in `cookie` (bytes)."""
        return {"cookie": _encode_cookies(self.get_cookies()), **self._headers}

    @property
    def session(self) -> Any:
        """The session of the socket, and that of the browser: in 1.x tests both are one.

        It is a channel session; `save()` keeps what is in it as the browser's Django session, too.
        """
        if not apps.is_installed("django.contrib.sessions"):
            raise OSError("Add django.contrib.sessions to the INSTALLED_APPS to use session")
        if self._session is None:
            self._session = client_session(self.reply_channel, self.channel_layer)
        return self._session

    @property
    def channel_session(self) -> Any:
        """The channel session of the socket, as its consumers have left it; `save()` saves it."""
        return session_for_reply_channel(self.reply_channel, self.channel_layer)

    def receive(self, json: bool = True) -> Any:
        """Return the `text` of the next message that was sent to us, decoded if `json` and if it is
        a str; a message without that key as it is; None if there is none."""
        content = super().receive()
        if not content:
            return None
        text = content.get("text", content)
        return json_module.loads(text) if json and isinstance(text, str) else text

    def send(
        self, to: str, content: Content | None = None, text: Any = None, path: str = "/"
    ) -> None:
        """Send a message to the channel `to`.

        Args:
            content: its keys, in front of those made from the other arguments and from the client.
            text: a str, or what is to be sent as JSON; without it, or if it is empty, that of the
                content.
            path: of the request; a query string in it goes with handshakes and requests.
        """
        if to in _LATER:
            path = path.partition("?")[0]
        self._put(to, self._get_content(content, text, path))
        self._session_cookie = False

    def _get_content(
        self, content: Content | None = None, text: Any = None, path: str = "/"
    ) -> Content:
        content = copy.deepcopy(content) if content else {}
        content.setdefault("reply_channel", self.reply_channel)
        path, mark, query_string = path.partition("?")
        content.setdefault("path", path)
        if mark:
            content.setdefault("query_string", query_string)
        content.setdefault("headers", self.headers)
        if self._ordered:
            self._put_order(content)
        text = text or content.get("text")
        if text is not None:
            content["text"] = text if isinstance(text, str) else json_module.dumps(text)
        return content

    def _put_order(self, content: Content) -> None:
        if "order" in content:
            raise ValueError('Do not use "order" manually with "ordered=True"')
        content["order"] = self.order
        self.order += 1

    def send_and_consume(  # type: ignore[override]
        self,
        channel: str,
        content: Content | None = None,
        text: Any = None,
        path: str = "/",
        fail_on_none: bool = True,
        check_accept: bool = True,
    ) -> Any:
        """`send`, then `consume`."""
        self.send(channel, content, text, path)
        return self.consume(channel, fail_on_none=fail_on_none, check_accept=check_accept)

    def consume(self, channel: str, fail_on_none: bool = True, check_accept: bool = True) -> Any:
        """Run the consumer of the next message on `channel`; see Client.consume.

        With `check_accept`, a `websocket.connect` must be answered with {"accept": True}, which is
        taken; AssertionError if it isn't.
        """
        result = super().consume(channel, fail_on_none=fail_on_none)
        if channel == "websocket.connect" and check_accept:
            received = self.receive(json=False)
            if received != {"accept": True}:
                raise AssertionError(f"Connection rejected: {received} != '{{accept: True}}'")
        return result

    def login(self, **credentials: Any) -> bool:
        """Log in, on the browser and on the socket; return whether the credentials were right."""
        from django.contrib.auth import authenticate

        user = authenticate(**credentials)
        if not user or not user.is_active or not apps.is_installed("django.contrib.sessions"):
            return False
        self._login(user)
        return True

    def force_login(self, user: Any, backend: str | None = None) -> None:
        """Log `user` in without a password; `backend` is by default the first one."""
        user.backend = backend or settings.AUTHENTICATION_BACKENDS[0]
        self._login(user)

    def _login(self, user: Any) -> None:
        from django.contrib.auth import login

        request = HttpRequest()
        request.session = self.session
        login(request, user)
        request.session.save()
        self._session_cookie = True


def _encode_cookies(cookies: Mapping[str, str]) -> bytes:
    """Return the value of a Cookie header."""
    jar = SimpleCookie()
    for key, value in cookies.items():
        jar[key] = value
    return jar.output(header="", sep=";").strip().encode("ascii")
