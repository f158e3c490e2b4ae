"""The tag: what is ours to touch, and what only looks like it."""
# ruff: noqa: RUF001 - letters and digits that only look like the right ones are the point

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.client import tag
from pytest_adyen_creds.sandbox.credentials import LONGEST_DESCRIPTION

TAG = "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z"

runs = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=8)
moments = st.datetimes(
    min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=st.just(timezone(timedelta(hours=5)))
)


def test_a_tag_is_written_exactly_so():
    assert tag.make("0a1b2c3d", datetime(2026, 7, 1, 12, 30, tzinfo=UTC)) == TAG
    assert tag.make("0a1b2c3d", datetime(2026, 7, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))) == TAG


@given(runs, moments)
def test_what_is_made_parses_back_and_never_expires_early(run, expires):
    description = tag.make(run, expires)
    assert len(description) == 49 <= LONGEST_DESCRIPTION
    parsed = tag.parse(description)
    assert parsed is not None
    assert parsed.run == run
    assert timedelta() <= parsed.expires - expires < timedelta(minutes=1)
    assert tag.make(parsed.run, parsed.expires) == description


def test_new_runs_are_valid_and_differ():
    made = {tag.new_run() for _ in range(100)}
    assert len(made) == 100
    assert all(tag.parse(tag.make(run, datetime(2026, 1, 1, tzinfo=UTC))) for run in made)


def test_a_tag_expires_at_its_minute():
    parsed = tag.parse(TAG)
    assert parsed is not None
    assert not parsed.is_expired(datetime(2026, 7, 1, 12, 29, 59, tzinfo=UTC))
    assert parsed.is_expired(datetime(2026, 7, 1, 12, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    "near",
    [
        "",
        None,
        7,
        b"pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z",
        [TAG],
        "Our production key",
        TAG.upper(),
        TAG.replace("pytest", "Pytest"),
        TAG.replace("0a1b2c3d", "0A1B2C3D"),
        TAG.replace("Z", "z"),
        TAG.replace("T", "t"),
        TAG.replace("T", " "),
        TAG.replace("exp", "Exp"),
        TAG.replace("exp", "expires"),
        TAG.replace("pytest-adyen-creds", "pytest-adyen-cred"),
        TAG.replace("pytest-adyen-creds", "pytest-adyen-credsx"),
        TAG.replace("pytest-adyen-creds", "pytest_adyen_creds"),
        TAG.replace("pytest-adyen-creds", "xpytest-adyen-creds"),
        TAG.replace("pytest-adyen-creds", "pytest\u2010adyen\u2010creds"),
        TAG.replace("pytest-adyen-creds", "pуtest-adyen-creds"),
        TAG.replace("pytest-adyen-creds", "pytest-adyen-creds:"),
        TAG + " keep",
        TAG + ".",
        TAG + "\n",
        TAG + "\x00",
        TAG + " ",
        " " + TAG,
        "\ufeff" + TAG,
        "\n" + TAG,
        "x " + TAG,
        TAG * 2,
        TAG.replace(" ", "  "),
        TAG.replace(" ", "\u00a0"),
        TAG.replace(" ", "\t"),
        TAG.replace(" ", ""),
        TAG.replace("0a1b2c3d", "0a1b2c3"),
        TAG.replace("0a1b2c3d", "0a1b2c3d4"),
        TAG.replace("0a1b2c3d", "0a1b2c3-"),
        TAG.replace("0a1b2c3d", "0a1b2c3é"),
        TAG.replace("0a1b2c3d", "        "),
        TAG.replace("2026", "２０２６"),
        TAG.replace("2026", "٢٠٢٦"),
        TAG.replace("12:30", "1２:30"),
        TAG.replace("2026", "0000"),
        TAG.replace("2026", "+026"),
        TAG.replace("2026-07-01", "2026-02-30"),
        TAG.replace("2026-07-01", "2026-13-01"),
        TAG.replace("2026-07-01", "2026-00-01"),
        TAG.replace("2026-07-01", "2026-07-00"),
        TAG.replace("2026-07-01", "2025-02-29"),
        TAG.replace("2026-07-01", "2026-7-1"),
        TAG.replace("2026-07-01", "01-07-2026"),
        TAG.replace("12:30", "24:00"),
        TAG.replace("12:30", "12:60"),
        TAG.replace("12:30", "12:30:00"),
        TAG.replace("12:30", "1230"),
        TAG.replace("Z", "+00:00"),
        TAG.replace("Z", ""),
    ],
)
def test_what_is_merely_like_a_tag_is_not_one(near):
    assert tag.parse(near) is None


@given(st.text(max_size=60))
def test_only_what_make_would_write_is_a_tag(text):
    parsed = tag.parse(text)
    assert parsed is None or tag.make(parsed.run, parsed.expires) == text


@pytest.mark.parametrize("run", ["", "0a1b2c3", "0a1b2c3d4", "0A1B2C3D", "0a1b2c3\n", "0a1b2c٣d"])
def test_a_run_id_of_another_form_is_refused(run):
    with pytest.raises(ValueError, match="run id"):
        tag.make(run, datetime(2026, 1, 1, tzinfo=UTC))


def test_an_expiry_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        tag.make("0a1b2c3d", datetime(2026, 1, 1))
