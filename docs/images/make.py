"""Make the pictures of README: real output and a real report of the tests beside this file.

Run from anywhere: ``python docs/images/make.py``. It takes this project's ``test`` extra, Pillow, and Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COMMAND = "pytest --adyen-rehearse --adyen-report report.html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "chromium")
WIDTH, HEIGHT = 1420, 690
"""Of the report's picture, in pixels."""

QUIET = ["-q", "--color=yes", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:asyncio"]


def run(folder: Path) -> str:
    """Run the tests in ``folder`` as COMMAND does, and return what a terminal shows."""
    options = [*COMMAND.split()[1:], *QUIET]
    done = subprocess.run(  # noqa: S603 - this project's own tests
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env=os.environ | {"COLUMNS": "110", "ADYEN_COMPANY_ACCOUNT": "", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def picture(output: str, path: Path) -> None:
    """Write what a terminal shows as an SVG."""
    console = Console(record=True, width=112, file=StringIO(), force_terminal=True)
    console.print(f"$ {COMMAND}", style="bold", highlight=False)
    console.print(Text.from_ansi(output.rstrip()), soft_wrap=False)
    path.write_text(console.export_svg(title="a test that fails"), encoding="utf-8")


def screenshot(report: Path, path: Path) -> None:
    """Write a picture of an HTML report as a PNG of few colours."""
    with tempfile.TemporaryDirectory() as profile:
        large = Path(profile) / "large.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        options += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={large}", report.as_uri()]
        subprocess.run([CHROMIUM, *options], check=True, capture_output=True)  # noqa: S603 - its own browser
        Image.open(large).convert("RGB").quantize(64).save(path, optimize=True)


def main() -> None:
    """Make both pictures anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(HERE / "test_shop.py", folder)
        picture(run(folder), HERE / "failing-run.svg")
        screenshot(folder / "report.html", HERE / "report.png")


if __name__ == "__main__":
    main()
