"""Replay against its peers, measured in the same run: prints rates and ratios; exits 1 where a target is missed.

    python tests/benchmarks/replay.py [--quick]

Every cassette holds N different requests, asked for in reverse order through one httpx client, each contestant in a
process of its own. vcrpy and pytest-recording look through the whole cassette for each request, so they are measured
on the last 300,000 / N of them. The share of the bound is measured by turns, in one process.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import httpx
from processes import run, show

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN, Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import Interceptor

TIMES_VCRPY = 50
"""How much faster than vcrpy 3,000 interactions have to replay."""

SHARE_OF_BOUND = 0.65
"""The share of httpx' MockTransport rate that has to be reached."""

GROWTH = 1.5
"""How much more a request may cost among 10,000 interactions than among 1,000: linear time, less the noise."""


def interaction(number: int) -> Interaction:
    credential = {
        "id": f"S2-{number:010d}",
        "username": f"ws_{number:06d}@Company.TestCompany",
        "clientKey": f"test_PSEUDONYM{number:018d}",
        "allowedIpAddresses": [],
        "roles": ["Management API—API credentials read and write", "Checkout webservice role"],
        "active": True,
        "_links": {"self": {"href": f"{CANONICAL_ORIGIN}/v3/companies/TestCompany/apiCredentials/S2-{number:010d}"}},
    }
    return Interaction(
        method="PATCH" if number % 2 else "GET",
        uri=f"{CANONICAL_ORIGIN}/v3/companies/TestCompany/apiCredentials/S2-{number:010d}",
        request_headers=(("content-type", "application/json"), ("x-api-key", "AQEPSEUDONYM1")),
        request_body=json.dumps({"active": True, "description": f"number {number}"}).encode() if number % 2 else b"",
        status=200,
        reason="OK",
        response_headers=(("content-type", "application/json"),),
        response_body=json.dumps(credential, indent=2, ensure_ascii=False).encode(),
    )


def cassette(size: int) -> Cassette:
    made = Provenance("sandbox", "2026-11-22T00:00:00Z", "v3", "sha256:00", "benchmark")
    return Cassette(tuple(map(interaction, range(size))), made)


def rate(client: httpx.Client, asked: list[Interaction]) -> float:
    """Return requests a second of this process's own time, building the requests not included."""
    requests = [
        client.build_request(item.method, item.uri, headers=list(item.request_headers), content=item.request_body)
        for item in asked
    ]
    start = time.process_time()
    for request in requests:
        client.send(request)
    return len(requests) / (time.process_time() - start)


def bound(path: Path, asked: list[Interaction]) -> float:
    body = asked[0].response_body
    answer = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    with httpx.Client(transport=answer) as client:
        return rate(client, asked)


def intercepted(path: Path, asked: list[Interaction]) -> float:
    replay = ReplayTransport(Playback(serializer.read(path).interactions), path)
    with Interceptor(replay, Hosts(), "a recording", answers_all=True).opened(), httpx.Client(verify=False) as client:
        return rate(client, asked)


def transport(path: Path, asked: list[Interaction]) -> float:
    with httpx.Client(transport=ReplayTransport(Playback(serializer.read(path).interactions), path)) as client:
        return rate(client, asked)


def vcrpy(path: Path, asked: list[Interaction]) -> float:
    import vcr

    with vcr.use_cassette(str(path), record_mode="none"), httpx.Client(verify=False) as client:
        return rate(client, asked)


def pytest_recording(path: Path, asked: list[Interaction]) -> float:
    import pytest

    measured: list[float] = []

    class Measuring:
        @pytest.fixture
        def measure(self) -> Callable[[], None]:
            def measure() -> None:
                with httpx.Client(verify=False) as client:
                    measured.append(rate(client, asked))

            return measure

    test = path.with_name("test_rate.py")
    test.write_text(f"import pytest\n\n@pytest.mark.vcr({str(path)!r})\ndef test_rate(measure):\n    measure()\n")
    options = ["-q", "-p", "no:adyen_creds", "-p", "no:cacheprovider", "--rootdir", str(path.parent), "-c", "/dev/null"]
    with redirect_stdout(sys.stderr):
        assert pytest.main([*options, str(test)], plugins=[Measuring()]) == 0
    return measured[0]


CONTESTANTS = {
    "bound": bound,
    "intercepted": intercepted,
    "transport": transport,
    "vcrpy": vcrpy,
    "recording": pytest_recording,
}
PEERS = ("vcrpy", "recording")
ROUNDS = 8
"""How often the bound and the intercepted client take turns: the machine's own speed changes by the second."""


def share_of_bound(path: Path, asked: list[Interaction]) -> float:
    rates = [(bound(path, asked), intercepted(path, asked)) for _ in range(ROUNDS)]
    best = [max(column) for column in zip(*rates, strict=True)]
    return best[1] / best[0]


@contextmanager
def written(size: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{size}.yaml"
        serializer.write(path, cassette(size))
        yield path


def compete(name: str, path: Path, size: int, sample: int) -> tuple[float, float]:
    """Run one contestant in a process of its own; return its requests a second and its peak memory in MiB."""
    ran = run([sys.executable, __file__, "--only", name, "--size", str(size), "--sample", str(sample), path])
    assert ran.status == 0, ran.output
    return float(ran.output.split()[-1]), ran.peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller samples: a look, not a measurement")
    parser.add_argument("--only", choices=[*CONTESTANTS, "share"], help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--sample", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    if options.only:
        asked = [interaction(number) for number in reversed(range(options.size))][: options.sample]
        if options.only == "share":
            show(repr(share_of_bound(options.path, asked)))
            return 0
        # the best of several: short runs suffer most from their neighbours
        times = 1 if options.only in PEERS else 4 if options.size >= 3_000 else 6
        show(repr(max(CONTESTANTS[options.only](options.path, asked) for _ in range(times))))
        return 0
    return compare(quick=options.quick)


def compare(*, quick: bool) -> int:
    """Print the table, and return the exit status."""
    names = "".join(f"{name:>18}" for name in CONTESTANTS)
    show(f"requests/s (MiB) {names}   x vcrpy  x recording  of bound")
    share: dict[int, float] = {}
    misses: list[str] = []
    for size in (100, 1_000, 3_000, 10_000):
        with written(size) as path:
            found = {
                # the peers look through the whole cassette for each request
                name: compete(
                    name, path, size, min(size, (60_000 if quick else 300_000) // size) if name in PEERS else size
                )
                for name in CONTESTANTS
            }
            share[size], _ = compete("share", path, size, size)
        rates = {name: speed for name, (speed, _) in found.items()}
        cells = "".join(f"{speed:10,.0f} ({peak:4.0f})" + " " for speed, peak in found.values())
        against = [rates["intercepted"] / rates[peer] for peer in PEERS]
        show(f"{size:16,} {cells} {against[0]:8,.0f} {against[1]:12,.0f} {share[size]:9.0%}")
        if size == 3_000 and min(against) < TIMES_VCRPY:
            misses.append(f"{min(against):.0f} times the peers at 3,000, {TIMES_VCRPY} wanted")
        if size == 3_000 and share[size] < SHARE_OF_BOUND:
            misses.append(f"{share[size]:.0%} of the bound at 3,000, {SHARE_OF_BOUND:.0%} wanted")
    # against the bound of the same moment, so that a machine that slows down meanwhile is not taken for growth
    growth = share[1_000] / share[10_000]
    show(f"a request among 10,000 costs {growth:.2f} times one among 1,000 (linear: 1.0)")
    if growth > GROWTH:
        misses.append(f"a request among 10,000 costs {growth:.2f} times one among 1,000, {GROWTH} at most wanted")
    for miss in misses:
        show(f"missed: {miss}")
    return 1 if misses else 0


if __name__ == "__main__":
    raise SystemExit(main())
