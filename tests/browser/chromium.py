"""A headless Chromium of one's own, driven with the few verbs that the tests need."""

import shutil
import tempfile

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

from tests.processes import wait_until
from tests.processes.base import WAIT_LIMIT_S

DESKTOP = (1280, 800)
PHONE = (390, 844)

#: Quiet and small: a test's browser asks nobody but the server under test. A page that is left is
#: gone, with its sockets and requests, and not kept for whoever goes back.
_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=BackForwardCache",
    "--lang=en",
]


def find_chromium():
    """Return the paths of (browser, driver), or None if one of them is not installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One browser with cookies of its own."""

    def __init__(self, paths):
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        options = webdriver.ChromeOptions()
        options.binary_location, driver_path = paths
        for flag in (*_FLAGS, f"--user-data-dir={self._profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(driver_path)
        self.driver = webdriver.Chrome(options=options, service=service)
        self._before_pages = []
        self.resize(DESKTOP)

    def resize(self, size):
        """Make the page `size` (width, height) in CSS pixels, as a phone or a desktop would."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def use_scheme(self, scheme):
        """Let the system prefer "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def open(self, url):
        self.driver.get(url)

    def run_before_pages(self, script):
        """Run JavaScript in each page before its own, until `forget`."""
        added = self.driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": script}
        )
        self._before_pages.append(added["identifier"])

    @property
    def path(self):
        """The path of the page's URL."""
        return self.run("return location.pathname")

    def run(self, script, *args):
        """Run JavaScript; return what it returns."""
        return self.driver.execute_script(script, *args)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css, *, limit_s=WAIT_LIMIT_S):
        """Return the first element that matches and can be seen; wait for it."""
        found = wait_until(
            lambda: [element for element in self.all(css) if _is_shown(element)],
            limit_s=limit_s,
            what=lambda: f"{css} on {self.driver.current_url}: {self.text}",
        )
        return found[0]

    def fill(self, **fields):
        """Type into form fields, by name."""
        for name, text in fields.items():
            field = self.find(f"[name={name}]")
            field.clear()
            field.send_keys(text)

    def click(self, css):
        self.find(css).click()

    @property
    def text(self):
        """All text of the page."""
        return self.run("return document.body.innerText")

    def texts(self, css):
        """The texts of all elements that match, in their order."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())"
        return self.run(script, css)

    def wait_for_text(self, text, *, within="body", limit_s=WAIT_LIMIT_S):
        """Wait until an element that matches `within` shows `text`."""
        wait_until(
            lambda: any(text in shown for shown in self.texts(within)),
            limit_s=limit_s,
            what=lambda: f"{text!r} in {within} on {self.driver.current_url}: {self.text}",
        )

    def script_errors(self):
        """Return what scripts have thrown since the last call (not: requests that failed)."""
        entries = self.driver.get_log("browser")
        return [
            e["message"]
            for e in entries
            if e["source"] in ("javascript", "console-api") and e["level"] == "SEVERE"
        ]

    def forget(self):
        """Forget cookies, what pages have stored and what runs before them; leave the page."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        while self._before_pages:
            self.driver.execute_cdp_cmd(
                "Page.removeScriptToEvaluateOnNewDocument",
                {"identifier": self._before_pages.pop()},
            )
        self.open("about:blank")
        self.driver.get_log("browser")

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))

    def quit(self):
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)


def _is_shown(element):
    try:
        return element.is_displayed()
    except StaleElementReferenceException:
        return False
