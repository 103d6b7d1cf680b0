"""Headless Chromium for the scripts that look at the explorer, and a server of the explorer's page."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from lexigrad.view.explorer.server import ExplorerServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.view.explorer.data import Explorer

SWITCHES = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars")
LONGEST_WAIT_SECONDS = 120
IS_DRAWN = "document.documentElement.dataset.ready === 'true' && page.explorer.drawn > 0 && !page.explorer.frame"
REACH = f"return import('/served.js').then((page) => ({IS_DRAWN}) && (window.explorer = page.explorer, true))"
"""Whether the map is drawn; if so, the scripts that follow find the page's explorer in the window."""


@contextmanager
def chromium(width: int, height: int, ratio: float = 1.0) -> Iterator[Any]:
    """A browser whose page has ``width`` times ``height`` pixels of CSS, each of ``ratio`` pixels of the picture."""
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not program or not driver:
        sys.exit("this needs chromium and chromedriver; Debian calls them chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for switch in SWITCHES:
        options.add_argument(switch)
    with webdriver.Chrome(options=options, service=Service(driver)) as browser:
        size = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.set_script_timeout(LONGEST_WAIT_SECONDS)
        yield browser


@contextmanager
def served(explorer: Explorer) -> Iterator[str]:
    """The address of the explorer's page, as long as the block runs."""
    with ExplorerServer(explorer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


def visit(browser: Any, address: str) -> None:
    """Open a page of the explorer, and wait until its map is drawn."""
    browser.get("about:blank")  # so that an address that differs in its fragment only is a new page
    browser.get(address)
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    while not browser.execute_script(REACH):
        if time.monotonic() > end:
            sys.exit(f"{address} was not ready after {LONGEST_WAIT_SECONDS} seconds")
        time.sleep(0.05)
