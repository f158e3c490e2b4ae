"""What is left of a secret is a secret: cut short by any tool, escaped, or in another alphabet."""

from __future__ import annotations

import base64
import os
import random
import re
import sysconfig
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest._io.saferepr import saferepr

from pytest_adyen_creds.secrets import SecretRegistry

KEY = "AQEyhmfxK0nary/vFz3ne9Tests+Only-1x2y3z4w5v6u7t8s9r0q=x^W{7<~>pL:nd?hJ"
MEGABYTES = float(os.environ.get("ADYEN_SECRETS_MEGABYTES", "1"))
"""How much of the installed packages' sources is looked through for false alarms; all of it is some 50."""


def registry(*values: str) -> SecretRegistry:
    made = SecretRegistry()
    for value in values:
        made.add(value)
    return made


def shown_by_unittest(check: str, *values: Any) -> str:
    with pytest.raises(AssertionError) as raised:
        getattr(unittest.TestCase(), check)(*values)
    return str(raised.value)


SHORTENED = {
    "unittest": shown_by_unittest("assertEqual", KEY, "x"),
    "unittest, nearly equal": shown_by_unittest("assertEqual", KEY, f"{KEY[:-5]}#"),
    "unittest, lines": shown_by_unittest("assertMultiLineEqual", f"a\n{KEY}\n", f"a\n{KEY[:-6]}\n"),
    "unittest, a dictionary": shown_by_unittest("assertDictEqual", {"key": KEY}, {"key": KEY[:-1]}),
    "unittest, a list": shown_by_unittest("assertListEqual", [KEY], [KEY[1:]]),
    "saferepr": saferepr({"key": KEY}, maxsize=60),
    "a count": f"'{KEY[:30]}[{len(KEY) - 42} chars]{KEY[-12:]}'",
    "skipped at the start": f"Skipping 50 identical leading characters in diff\n  - {KEY[48:60]}#{KEY[61:]}",
    "skipped at the end": f"Skipping 50 identical trailing characters in diff\n  - {KEY[:10]}#{KEY[11:21]}",
    "a line's end": f"value: {KEY[:12]}\n",
    "a quote's end": f'"{KEY[-12:]}"',
    "in the middle": f"<<{KEY[20:40]}>>",
    "an ellipsis": f"{KEY[:9]}...{KEY[-9:]}",
    "an ellipsis in an escape": f"{KEY[:11]}%…",
    "truncated": f"{KEY[:24]} (truncated)",
    "colours between": "\x1b[31m" + "\x1b[0m\x1b[32m".join([KEY[:15], KEY[15:40], KEY[40:]]) + "\x1b[0m",
    "colours and a mark": f"\x1b[31m{KEY[:40]}\x1b[0m\x1b[37;41m#\x1b[0m\x1b[31m{KEY[41:]}\x1b[0m",
    "shell": KEY.replace("<", "\\<").replace(">", "\\>").replace("{", "\\{"),
    "a regular expression": re.escape(KEY),
    "a regular expression in a repr": repr(re.escape(KEY)),
    "a piece of a regular expression": re.escape(KEY)[5:50],
    "JSON of it": '{"match": "' + re.escape(KEY).replace("\\", "\\\\").replace('"', '\\"') + '"}',
}


@pytest.mark.parametrize("text", SHORTENED.values(), ids=SHORTENED)
def test_what_is_left_of_a_secret_is_masked(text: str) -> None:
    masked = registry(KEY).mask(text)
    plain = re.sub(r"\\(.)", r"\1", re.sub("\x1b\\[[0-9;]*m", "", masked))
    assert masked != text
    assert not [at for at in range(len(KEY) - 9) if KEY[at : at + 10] in plain]


def encoded() -> Iterator[tuple[str, str]]:
    secret = KEY.encode()
    for lead in range(5):
        within = b"u" * lead + secret + b"tail"
        yield f"base32, {lead} before", base64.b32encode(within).decode()
        yield f"base85, {lead} before", base64.b85encode(within).decode()
        yield f"ascii85, {lead} before", base64.a85encode(within).decode()
    yield "base85 alone", base64.b85encode(secret).decode()
    yield "base85 in a repr", repr(base64.b85encode(secret))
    yield "adobe's ascii85", base64.a85encode(secret, adobe=True).decode()
    yield "base32 in JSON", f'{{"secret": "{base64.b32encode(secret).decode()}"}}'


@pytest.mark.parametrize("text", dict(encoded()).values(), ids=dict(encoded()))
def test_other_alphabets_are_masked(text: str) -> None:
    masked = registry(KEY).mask(text)
    # what stands beside it, in a group of its own, is not the secret's
    assert len(masked) < 60
    assert "[masked]" in masked


def keys(number: int) -> list[str]:
    drawn = random.Random(7)
    made = []
    for index in range(number):
        raw = drawn.randbytes(45)
        made.append(["AQE" + base64.b64encode(raw).decode(), base64.b85encode(raw[:18]).decode()][index % 2])
    return made


def test_ordinary_text_is_left_alone() -> None:
    made = registry(*keys(100))
    left = MEGABYTES * 1e6
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py"), key=lambda path: hash(path.name)):
        text = path.read_text(errors="replace")
        assert made.mask(text) == text, path
        left -= len(text)
        if left < 0:
            break


def test_masking_is_linear_whatever_the_secret_looks_like() -> None:
    made = registry("ab" * 40, "a" * 60, KEY)
    for text in ("ab" * 60_000, "a" * 120_000, KEY[:9] * 12_000, (KEY[:6] + KEY[20:26]) * 9_000):
        assert len(made.mask(text)) <= len(text)
