"""Masking: a secret is found in whatever form it stands, and nothing of it is left."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import pprint
import string
import textwrap
import threading
from urllib.parse import quote, quote_plus

import pytest
from _pytest._io.saferepr import saferepr
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pytest_adyen_creds.secrets import MASK, SECRETS, Secret, SecretRegistry
from pytest_adyen_creds.secrets.unescaping import unescaped, unescaped_views

KEYLIKE = string.ascii_letters + string.digits + "+/=-_{}^&%<>*$?\"'\\#@!,;:~"
keys = st.text(KEYLIKE, min_size=8, max_size=90)
anything = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "Cc")), min_size=8, max_size=40)


def registry(*values: str) -> SecretRegistry:
    made = SecretRegistry()
    for value in values:
        made.add(value)
    return made


def lower_hex(text: str) -> str:
    return quote(text, safe="").lower() if text == text.lower() else "".join(f"%{byte:02x}" for byte in text.encode())


ENCODERS = {
    "raw": lambda value: value,
    "json": lambda value: json.dumps(value)[1:-1],
    "json-unicode": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "json-slashes": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "json-u": lambda value: "".join(f"\\u{ord(char):04X}" if ord(char) < 0x10000 else char for char in value),
    "repr": lambda value: repr(value)[1:-1],
    "ascii": lambda value: ascii(value)[1:-1],
    "repr-bytes": lambda value: repr(value.encode())[2:-1],
    "quote": lambda value: quote(value, safe=""),
    "quote-path": quote,
    "quote-plus": quote_plus,
    "quote-lower": lower_hex,
    "quote-all": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "html": html.escape,
    "html-plain": lambda value: html.escape(value, quote=False),
    "html-numbers": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
}

LAYERS = {
    "json": ENCODERS["json"],
    "repr": ENCODERS["repr"],
    "quote": ENCODERS["quote"],
    "html": ENCODERS["html"],
}

CONTINUATIONS = (
    "\n",
    "\r\n",
    "\n    ",
    "\n\t",
    "   \n   ",
    "\nE   ",
    "\nE         ",
    "\n>   ",
    "\n  | ",
    "\n    | E   ",
    " │\n│ ",
    "\nE     - ",
    "\nE     + ",
    "\nE     ? ",
    "\x1b[0m\n\x1b[1m\x1b[31mE   ",
    "\x1b[31m",
    "\x1b[0m\n\x1b[1m\x1b[31mE         \x1b[0m\x1b[92m+ ",
)


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(value=keys | anything)
def test_found_in_every_form(encode, value):
    encoded = encode(value)
    assert registry(value).mask(f"before: {encoded} :after") == f"before: {MASK} :after"


@pytest.mark.slow("seventy forms within forms")
@pytest.mark.parametrize("outer", LAYERS)
@pytest.mark.parametrize("inner", ENCODERS)
@given(value=keys)
@example(value="000000123\\%09")
def test_found_in_a_form_within_a_form(outer, inner, value):
    assume(all(len(text) >= 6 for text in unescaped(value)))  # not one that is escapes, and little else
    encoded = LAYERS[outer](ENCODERS[inner](value))
    masked = registry(value).mask(f"[ {encoded} ]")
    assert MASK in masked
    left = masked.replace(MASK, "")
    assert len(left) <= len("[ %5Cr ]")  # a last character that reads like an escape may stay, as one


@given(value=keys)
def test_found_in_json_within_json_within_a_repr(value):
    encoded = repr(json.dumps(json.dumps({"k": value})))
    masked = registry(value).mask(encoded)
    assert MASK in masked
    assert set(masked.replace(MASK, "")) <= set("\"'\\{}k: ")


@given(value=keys | anything, before=st.binary(max_size=9), after=st.binary(max_size=9), urlsafe=st.booleans())
@example(value="Sesame-42-open", before=b"ws@Company.Test:", after=b"", urlsafe=False)
def test_found_in_base64_at_any_alignment(value, before, after, urlsafe):
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    masked = registry(value).mask(encode(before + value.encode() + after).decode())
    assert MASK in masked
    # what is left is what stood beside it, and no bits of the secret but in characters it shares
    left, _, right = masked.partition(MASK)
    whole = encode(before + value.encode() + after).decode()
    assert len(left) <= len(before) * 8 // 6
    assert len(right) <= -(-len(after) * 8 // 6) + 3
    assert whole.startswith(left)
    assert whole.endswith(right)


@pytest.mark.parametrize("continuation", CONTINUATIONS, ids=repr)
@given(value=keys, data=st.data())
def test_found_where_lines_break_it(continuation, value, data):
    cuts = data.draw(st.sets(st.integers(1, len(value) - 1), min_size=1, max_size=4))
    pieces = [value[start:end] for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(value)], strict=True)]
    broken = continuation.join(pieces)
    assert registry(value).mask(f"<{broken}>") == f"<{MASK}>"


@pytest.mark.parametrize("lead", ["", "E         + ", "\x1b[1m\x1b[31mE         \x1b[0m\x1b[92m+ "], ids=repr)
@given(value=keys, before=st.integers(0, 90))
def test_found_where_bytes_are_shown_in_pieces(lead, value, before):
    shown = pprint.pformat([b"x" * before + value.encode()], width=40)
    masked = registry(value).mask("\n".join(f"{lead}{line}" for line in shown.splitlines()))
    assert MASK in masked
    assert set(masked.replace(MASK, "")) <= set(lead) | set("[b'\"x]\n ")


@pytest.mark.parametrize("encoder", ["json", "quote", "html", "repr"])
@pytest.mark.parametrize("continuation", ["\n", "\nE   ", "\n    "], ids=repr)
@given(value=keys, data=st.data())
def test_an_escape_may_be_broken_too(encoder, continuation, value, data):
    encoded = ENCODERS[encoder](value)
    cut = data.draw(st.integers(1, len(encoded) - 1))
    masked = registry(value).mask(f"<{encoded[:cut]}{continuation}{encoded[cut:]}>")
    assert masked == f"<{MASK}>"


@given(value=keys, width=st.integers(10, 76), lead=st.binary(max_size=40))
def test_base64_in_lines(value, width, lead):
    wrapped = "\n".join(textwrap.wrap(base64.b64encode(lead + value.encode()).decode(), width))
    masked = registry(value).mask(wrapped)
    assert MASK in masked
    assert len(masked.replace("\n", "").partition(MASK)[2]) <= 3


@given(value=keys, cut=st.integers(1, 7))
def test_wrapped_output_that_is_printed_as_a_repr(value, cut):
    broken = f"E   {value[:cut]}\nE   {value[cut:]}"
    assert registry(value).mask(repr(f"<{broken}>")).count(MASK) == 1


@given(st.lists(keys, min_size=1, max_size=8, unique=True), st.lists(st.integers(0, 7), max_size=12), st.data())
def test_many_at_once_leave_nothing(values, order, data):
    pieces = [ENCODERS[data.draw(st.sampled_from(["raw", "json", "quote"]))](values[i % len(values)]) for i in order]
    masked = registry(*values).mask(" | ".join(pieces))
    assert set(masked.replace(MASK, "")) <= set(" |")


@given(anything, st.text(max_size=200))
def test_a_text_without_it_stays_as_it_is(value, text):
    made = registry(value)
    forms = {value, value.encode().decode("latin-1"), *(encode(value) for encode in ENCODERS.values())}
    if not any(form in view.text for view in unescaped_views(text, without_space=True) for form in forms):
        masked = made.mask(text)
        assert masked == text or "..." in text or "…" in text


@given(st.text(max_size=300))
def test_masking_needs_a_secret_to_change_anything(text):
    assert SecretRegistry().mask(text) == text


@pytest.mark.parametrize("value", ["", "a", "12345"])
def test_what_is_too_short_is_left_alone(value):
    made = registry(value)
    assert len(made) == 0
    assert made.mask(f"x{value}x") == f"x{value}x"


def test_one_within_another_leaves_no_remainder():
    made = registry("inner-key", "an-inner-key-and-more", "inner-key-and")
    assert made.mask("x an-inner-key-and-more y inner-key z") == f"x {MASK} y {MASK} z"


def test_overlapping_ones_are_one():
    assert registry("abcdefgh", "efghijkl").mask("<abcdefghijkl>") == f"<{MASK}>"


def test_a_secret_with_white_space_is_found_where_it_was_reflowed():
    made = registry("correct horse battery")
    for text in (
        "correct horse battery",
        "correct\n    horse battery",
        "correct horse\nE   battery",
        "correct+horse+battery",
    ):
        assert made.mask(f"<{text}>") == f"<{MASK}>"


KEY = "AQEyhmfxLIrIaBdEw0m" + "n3Q5qf3VaYpUA" * 8 + "-end-of-the-key"


@pytest.mark.parametrize(
    "text",
    [
        saferepr({"apiKey": KEY}, maxsize=100),
        saferepr(KEY, maxsize=60),
        f"{KEY[:30]}...",
        f"'{KEY[:30]}...{KEY[-20:]}'",
        f"{KEY[:12]}…{KEY[-9:]}",
        f"assert '{KEY[:40]}...",
    ],
)
def test_what_a_tool_leaves_of_a_long_one_is_masked(text):
    masked = registry(KEY).mask(text)
    assert MASK in masked
    assert not any(KEY[i : i + 8] in masked for i in range(len(KEY) - 7))


def test_an_ordinary_ellipsis_stays():
    text = "waiting ... until the key works... done… " * 3
    assert registry(KEY).mask(text) == text


def test_keys_that_start_alike_are_told_apart():
    values = [f"AQEyhmfxLIrIaBdEw0m/n3Q5qf3VaYpUA{i:04}-and-the-same-end-for-all-of-them" for i in range(200)]
    made = registry(*values)
    masked = made.mask("\n".join([*values, values[0][:-1] + "X"]))
    assert masked == "\n".join([MASK] * 201) + "X"  # of the last, all that is a key's, too


@pytest.mark.slow("a thousand secrets")
def test_a_thousand_secrets_in_a_large_text_all_go():
    values = [f"key-{i * 7919:08}-{'xyz'[i % 3] * (i % 40)}" for i in range(1000)]
    made = registry(*values)
    text = "\n".join(f"line {i}: {values[i % 1000]} and {json.dumps(values[i % 997])} text" for i in range(5000))
    masked = made.mask(text)
    assert masked.count(MASK) == 10_000
    assert "key-" not in masked


def test_threads_may_add_while_others_mask():
    made = registry("first-secret-value")
    failures: list[str] = []

    def add(start: int) -> None:
        for i in range(300):
            made.add(f"secret-{start}-{i:05}")

    def mask() -> None:
        for _ in range(300):
            if made.mask("<first-secret-value>") != f"<{MASK}>":
                failures.append("missed")

    threads = [threading.Thread(target=add, args=(i,)) for i in range(4)] + [
        threading.Thread(target=mask) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert len(made) == 1201
    assert all(made.mask(f"secret-{i}-{j:05}") == MASK for i in range(4) for j in range(0, 300, 50))


@given(st.text(max_size=200), st.data())
def test_readings_lead_back_into_the_text(text, data):
    for view in unescaped_views(text, without_space=True):
        if view.text:
            start = data.draw(st.integers(0, len(view.text) - 1))
            end = data.draw(st.integers(start + 1, len(view.text)))
            first, last = view.origin(start, end)
            assert 0 <= first < last <= len(text)


class TestSecret:
    def test_it_shows_itself_only_on_request(self):
        secret = Secret("AQE-shown-on-request")
        shown = [
            repr(secret),
            str(secret),
            f"{secret}",
            f"{secret!r:>40}",
            "%s" % secret,  # noqa: UP031
            repr([secret]),
            repr({"k": secret}),
        ]
        assert not any("shown" in text for text in shown)
        assert secret.reveal() == "AQE-shown-on-request"
        assert SECRETS.mask("AQE-shown-on-request") == MASK

    def test_it_is_equal_by_value_and_never_to_its_text(self):
        assert Secret("AQE-the-same") == Secret("AQE-the-same")
        assert len({Secret("AQE-the-same"), Secret("AQE-the-same")}) == 1
        assert Secret("AQE-the-same") != Secret("AQE-another")
        assert Secret("AQE-the-same") != "AQE-the-same"
        assert Secret("ключ-\ud800") == Secret("ключ-\ud800")

    def test_it_does_not_travel(self):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(Secret("AQE-stays-here"))

    def test_a_copy_is_itself(self):
        secret = Secret("AQE-no-second-one")
        assert copy.copy(secret) is secret
        assert copy.deepcopy({"k": secret})["k"] is secret
