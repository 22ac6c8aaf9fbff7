"""Requests that pages make with fetch, answered by the test: when it likes, as it likes."""

import json

from tests.processes import wait_until

_SCRIPT = """
window.held = [];
window.realFetch = window.fetch;
window.fetch = (url, options = {}) => {
  const asked = `${options.method ?? "GET"} ${url}`;
  if (!asked.includes(PART)) return window.realFetch(url, options);
  return new Promise((resolve, reject) => window.held.push({ asked, url, resolve, reject }));
};
"""


class HeldRequests:
    """The requests of a browser's pages whose "METHOD url" contains `part`, the oldest first."""

    def __init__(self, browser, part):
        self._browser = browser
        browser.run_before_pages(_SCRIPT.replace("PART", json.dumps(part)))

    def wait(self):
        """Wait for a request; return its "METHOD url"."""
        wait_until(lambda: self._browser.run("return window.held.length"), what="a request")
        return self._browser.run("return window.held[0].asked")

    def answer(self, status, content=None):
        """Answer a request; return when the page has looked at the status."""
        body = None if content is None else json.dumps(content)
        self._end("one.resolve(new Response(body, { status }))", status, body)

    def pass_on(self):
        """Let a request go to the server."""
        self._end("one.resolve(window.realFetch(one.url))")

    def fail(self):
        """Let a request fail as it does without a network."""
        self._end("one.reject(new TypeError('Failed to fetch'))")

    def _end(self, how, status=None, body=None):
        self.wait()
        self._browser.driver.execute_async_script(
            "const [status, body, done] = arguments; const one = window.held.shift();"
            f"{how}; setTimeout(done);",
            status,
            body,
        )
