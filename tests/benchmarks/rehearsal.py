"""A rehearsal of 40 tests with three requests each, beside the same run without one.

    python tests/benchmarks/rehearsal.py [--quick]

Four of the tests have a weakness; a second run with --lf runs these alone. Exits 1 where the default kinds take 12
times as long as the plain run, or more, or where memory grows with the tests.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

from processes import Ran, run, show

MOST = 12.0
"""How many times as long as the plain run a rehearsal may take."""

SUITE = """
import resource

import pytest

KNOWN = {"id", "username", "clientKey", "active", "roles", "allowedIpAddresses", "description", "_links", "companyName",
         "allowedOrigins", "associatedMerchantAccounts"}


@pytest.mark.parametrize("number", range(%d))
def test_it(number, adyen_client):
    me = adyen_client.get("/me").json()
    origins = adyen_client.get("/me/allowedOrigins").json()["data"]
    made = adyen_client.post("/me/allowedOrigins", json={"domain": f"https://x{number}.example.com"}).json()
    assert me["username"] and made["domain"] not in [each["domain"] for each in origins]
    assert number %% 10 or set(me) <= KNOWN


def test_memory():
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measured(folder: str, tests: int, *options: str) -> Ran:
    Path(folder, "test_suite.py").write_text(SUITE % tests)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ADYEN_", "PYTEST_"))}
    return run([sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:randomly", *options], folder, environ)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave the measurement of memory out")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        plain, rehearsed = measured(folder, 40), measured(folder, 40, "--adyen-rehearse")
        again = measured(folder, 40, "--adyen-rehearse", "--lf")
        lines = [
            f"{name}: {each.seconds:.2f} s, {each.peak:.0f} MiB"
            for name, each in (("plain", plain), ("rehearsed", rehearsed), ("rehearsed again, --lf", again))
        ]
        ratio = rehearsed.seconds / plain.seconds
        lines.append(f"rehearsed / plain: {ratio:.1f} (at most {MOST:g})")
        for name, each in (("rehearsed", rehearsed), ("--lf", again)):
            (said,) = re.findall(r"\d+ tests? rehearsed .*", each.output)
            lines.append(f"{name}: {said}")
        grown = 0
        if not quick:
            peaks = [
                int(re.findall(r"PEAK (\d+)", measured(folder, number, "--adyen-rehearse").output)[0])
                for number in (100, 400)
            ]
            grown = (peaks[1] - peaks[0]) // 1024
            lines.append(f"memory: {peaks[0] // 1024} MiB after 100 tests, {grown} MiB more after 400")
    show("\n".join(lines))
    return 1 if ratio >= MOST or grown > 30 else 0


if __name__ == "__main__":
    sys.exit(main())
