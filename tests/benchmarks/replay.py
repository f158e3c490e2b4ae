"""Replay against its peers, measured in the same run: prints rates and ratios; exits 1 where a target is missed.

    python tests/benchmarks/replay.py [--quick]

Every cassette holds N different requests, asked for in reverse order through one httpx client. vcrpy's own replay scans
the whole cassette twice a request, so it is measured up to 3,000 interactions only, and there on its last 300.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import vcr

from pytest_adyen_creds.cassettes import document, storage
from pytest_adyen_creds.cassettes.interaction import CANONICAL_ORIGIN, Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.replay import ReplayTransport, replaying

TIMES_VCRPY = 50
"""How much faster than vcrpy 3,000 interactions have to replay."""

SHARE_OF_BOUND = 0.40
"""The share of httpx' MockTransport rate that has to be reached."""

GROWTH = 1.5
"""How much more a request may cost among 10,000 interactions than among 1,000: linear time, less the noise."""

VCRPY_SAMPLE = 300


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
    """Return requests a second, building the requests not included."""
    requests = [
        client.build_request(item.method, item.uri, headers=list(item.request_headers), content=item.request_body)
        for item in asked
    ]
    start = time.perf_counter()
    for request in requests:
        client.send(request)
    return len(requests) / (time.perf_counter() - start)


def best_of(times: int, measure: Callable[[], float]) -> float:
    return max(measure() for _ in range(times))


def bound(asked: list[Interaction]) -> float:
    body = asked[0].response_body
    answer = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    with httpx.Client(transport=answer) as client:
        return rate(client, asked)


def ours(path: Path, asked: list[Interaction]) -> float:
    with replaying(document.read(path), path), httpx.Client(verify=False) as client:
        return rate(client, asked)


def transport(path: Path, asked: list[Interaction]) -> float:
    with httpx.Client(transport=ReplayTransport(document.read(path).interactions, path)) as client:
        return rate(client, asked)


def theirs(path: Path, asked: list[Interaction], sample: int) -> float:
    with vcr.use_cassette(str(path), record_mode="none"), httpx.Client(verify=False) as client:
        return rate(client, asked[:sample])


@contextmanager
def written(size: int) -> Iterator[tuple[Path, list[Interaction]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{size}.yaml"
        made = cassette(size)
        storage.write(path, made)
        yield path, list(reversed(made.interactions))


def loading(path: Path) -> tuple[float, float]:
    """Return the seconds that this package and vcrpy take to load the file."""
    start = time.perf_counter()
    document.read(path)
    middle = time.perf_counter()
    vcr.cassette.Cassette.load(path=str(path), record_mode=vcr.mode.NONE)
    return middle - start, time.perf_counter() - middle


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller samples: a look, not a measurement")
    quick = parser.parse_args().quick
    logging.disable(logging.INFO)
    sys.stdout.write("interactions   bound/s  indexed/s  transport/s  vcrpy/s  x vcrpy  of bound   load s (vcrpy s)\n")
    share: dict[int, float] = {}
    misses: list[str] = []
    for size in (100, 1_000, 3_000, 10_000):
        with written(size) as (path, asked):
            times = 2 if size >= 3_000 else 6  # the best of several: short runs suffer most from their neighbours
            top = best_of(times, lambda asked=asked: bound(asked))
            indexed = best_of(times, lambda path=path, asked=asked: ours(path, asked))
            direct = best_of(times, lambda path=path, asked=asked: transport(path, asked))
            sample = min(size, 60 if quick else VCRPY_SAMPLE)
            peer = theirs(path, asked, sample) if size <= 3_000 else None
            share[size] = indexed / top
            load, vcr_load = loading(path)
        ratio = f"{indexed / peer:7.0f}x" if peer else "       -"
        shown = f"{peer:7.0f}" if peer else "      -"
        sys.stdout.write(
            f"{size:12,} {top:9.0f} {indexed:10.0f} {direct:12.0f}  {shown} {ratio} {share[size]:8.0%}"
            f"    {load:6.3f} ({vcr_load:.3f})\n"
        )
        if size == 3_000 and peer and indexed < TIMES_VCRPY * peer:
            misses.append(f"{indexed / peer:.0f} times vcrpy at 3,000, {TIMES_VCRPY} wanted")
        if size == 3_000 and share[size] < SHARE_OF_BOUND:
            misses.append(f"{share[size]:.0%} of the bound at 3,000, {SHARE_OF_BOUND:.0%} wanted")
    # against the bound of the same moment, so that a machine that slows down meanwhile is not taken for growth
    growth = share[1_000] / share[10_000]
    sys.stdout.write(f"a request among 10,000 costs {growth:.2f} times one among 1,000 (linear: 1.0)\n")
    if growth > GROWTH:
        misses.append(f"a request among 10,000 costs {growth:.2f} times one among 1,000, {GROWTH} at most wanted")
    sys.stdout.writelines(f"missed: {miss}\n" for miss in misses)
    return 1 if misses else 0


if __name__ == "__main__":
    raise SystemExit(main())
