"""Chromium, driven by selenium, for the tests of what people look at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"),
    *("disable-background-networking", "disable-component-update"),
    "host-resolver-rules=MAP evil.test 127.0.0.1",
)


class Browser:
    """One page in Chromium."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Load ``url``; what happened before is forgotten."""
        self.console(), self.asked_for()
        self.driver.get(url)

    def console(self) -> list[dict[str, Any]]:
        """Return what was said on the console since it was last asked for, uncaught errors included."""
        return self.driver.get_log("browser")

    def asked_for(self) -> list[str]:
        """Return the URLs that were asked for since this was last asked, but for those that hold their own data."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [request["url"] for request in sent if not request["url"].startswith("data:")]

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        return self.driver.execute_script(f"return {script.strip()}")

    def press(self, key: str) -> None:
        ActionChains(self.driver).send_keys(key).perform()

    def media(self, media: str = "", scheme: str = "light") -> None:
        """Show the page as on ``media`` with a colour scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def width(self, pixels: int) -> None:
        """Give the page a screen of ``pixels``; 0 for the window's own."""
        size = {"width": pixels, "height": 0, "deviceScaleFactor": 0, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a profile in ``folder``; skips the test where it is not installed."""
    programs = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not all(programs):
        pytest.skip("chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location, driver = map(str, programs)
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={folder}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with Chrome(options, Service(driver)) as chrome:
        yield Browser(chrome)
