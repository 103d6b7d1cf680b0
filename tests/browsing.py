"""A real browser for tests: headless Chromium, driven by Selenium."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from lexigrad.view.explorer.server import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install 'lexigrad[dev]'")
By: Final = pytest.importorskip("selenium.webdriver.common.by").By
Keys, ActionChains = webdriver.Keys, webdriver.ActionChains
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER: Final = shutil.which("chromedriver")
NEEDS_BROWSER: Final = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver (Debian's names)"
)
SWITCHES: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--window-size=1440,900",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--use-angle=swiftshader",  # WebGL, emulated: the page sees that and draws without, but a test compares the two
    "--enable-unsafe-swiftshader",
)
WAIT_SECONDS: Final = 60


@contextmanager
def new_browser() -> Iterator[Any]:
    """A browser of its own; the fixture ``browser`` of the explorer's tests has one for each file."""
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in SWITCHES:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(DRIVER)) as driver:
        driver.set_script_timeout(WAIT_SECONDS)
        yield driver


def until(driver: Any, script: str) -> Any:
    """What a script returns, once that is true; it may wait for a promise."""
    end = time.monotonic() + WAIT_SECONDS
    while not (value := driver.execute_script(f"return {script}")):
        message = driver.execute_script("return document.getElementById('message')?.textContent")
        assert time.monotonic() < end, f"waited for {script}; the page says {message!r}"
        time.sleep(0.02)
    return value


def reach(driver: Any) -> None:
    """Give the tests' scripts what the page's own modules export: modules leave no names in the window."""
    every = "Promise.all(arguments[0].map((name) => import(`/${name}`)))"
    driver.execute_script(f"return {every}.then((modules) => {{ Object.assign(window, ...modules); }})", SCRIPTS)


def listed(driver: Any) -> list[str]:
    """The words of the lists of neighbors."""
    words: list[str] = driver.execute_script(
        "return [...document.querySelectorAll('#selected .words bdi')].map((item) => item.textContent)"
    )
    return words


def complaints(driver: Any) -> list[Any]:
    """What the browser's console has said of errors since this was called last."""
    return [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
