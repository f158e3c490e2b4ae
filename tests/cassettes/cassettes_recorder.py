"""Records a cassette over and over until it is killed: what test_cassettes_kill.py starts.

    python cassettes_recorder.py FOLDER SECRET

For each line on standard input a process of its own begins to record and writes its number ("pid 123"), then a line for
each recording begun; when it is dead, "dead" follows. Each recording holds SECRET in many places.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN, Interaction, Provenance
from pytest_adyen_creds.cassettes.recording import Recording
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.secrets import SECRETS


def record(folder: Path, secret: str) -> None:
    SECRETS.add(secret)
    scrubber = Scrubber(load_contract())
    generation = 0
    while True:
        generation += 1
        log = Recording(scrubber)
        for number in range(20):
            log.note(
                Interaction(
                    "GET",
                    f"{CANONICAL_ORIGIN}/v3/me?generation={generation}&number={number}",
                    (("x-api-key", secret),),
                    b"",
                    200,
                    "OK",
                    (),
                    b'{"apiKey": "' + secret.encode() + b'", "padding": "' + b"- " * 200 + b'"}',
                )
            )
        say(f"recording {generation}")
        provenance = Provenance("sandbox", "2026-11-22T00:00:00Z", "v3", "sha256:0", "g")
        serializer.write(folder / "life.yaml", log.scrubbed(provenance))


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main(folder: Path, secret: str) -> None:
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            say(f"pid {os.getpid()}")
            record(folder, secret)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
