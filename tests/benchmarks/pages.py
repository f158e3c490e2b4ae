"""The sandbox under a steady load, with its requests page open in Chromium.

    python tests/benchmarks/pages.py [SECONDS]

Fills the journal, then asks 50 times a second, and prints what was lost, how long answers took, and how memory went.
Exits with 1 where a request was lost, the page is behind or memory grew by more than 8 MiB.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "sandbox")]

from chromium import chromium  # noqa: E402
from serving import Serving  # noqa: E402

from pytest_adyen_creds.sandbox.journal import MOST_ENTRIES  # noqa: E402

RATE = 50
"""Requests a second."""
MOST_GROWTH = 8 * 1024
"""KiB."""


def resident(pid: int) -> int:
    """Return the resident memory of a process, in KiB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


def main(seconds: float = 60) -> int:
    """Run it for ``seconds``."""
    with tempfile.TemporaryDirectory() as folder, Serving("--api-key-file", f"{folder}/key") as served:
        headers = {"X-API-Key": served.key_file.read_text().strip()}
        url = urlsplit(served.url)
        paths = ["/me", "/companies/TestCompany/apiCredentials", "/me/allowedOrigins", "/companies/TestCompany/nothing"]

        def ask(number: int) -> tuple[int, float]:
            began = time.perf_counter()
            connection = HTTPConnection(url.hostname or "", url.port, timeout=30)
            connection.request("GET", url.path + paths[number % len(paths)], headers=headers)
            with closing(connection), connection.getresponse() as answer:
                answer.read()
                return answer.status, time.perf_counter() - began

        with ThreadPoolExecutor(4) as pool, chromium(Path(folder) / "profile") as browser:
            list(pool.map(ask, range(MOST_ENTRIES + 2_000)))
            browser.open(f"{served.url.removesuffix('/v3')}/ca/requests")
            before, began, asked = resident(served.pid), time.monotonic(), []
            for number in range(int(RATE * seconds)):
                time.sleep(max(0.0, began + number / RATE - time.monotonic()))
                asked.append(pool.submit(ask, number))
            took = time.monotonic() - began
            answers = [each.result() for each in asked]
            after = resident(served.pid)
            time.sleep(3)  # the page asks each second
            newest = int(browser.run("document.querySelector('[data-number]').dataset.number"))
            rows, said = int(browser.run("document.querySelectorAll('#requests tr').length")), browser.console()
    lost = [status for status, _ in answers if status not in (200, 404)]
    behind = MOST_ENTRIES + 2_000 + len(answers) - newest
    times = sorted(seconds for _, seconds in answers)
    sys.stdout.write(
        f"{len(answers)} requests in {took:.1f} s ({len(answers) / took:.1f} a second), {len(lost)} lost\n"
    )
    median, most = statistics.median(times) * 1000, times[len(times) * 99 // 100] * 1000
    sys.stdout.write(f"answers: median {median:.1f} ms, 99 of 100 within {most:.1f} ms\n")
    sys.stdout.write(f"the page shows {rows} rows and is {behind} behind; its console says {said}\n")
    sys.stdout.write(f"memory: {before} KiB before, {after} KiB after ({after - before:+} KiB)\n")
    return 0 if not lost and behind == 0 and not said and after - before <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
