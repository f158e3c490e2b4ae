"""The suite as it was: two tests that pytest-recording replays, one with vcrpy itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import vcr
from conftest import COMPANY

from credential_audit import Api, Problem, audit
from credential_audit.api import TEST

CASSETTES = Path(__file__).parent / "cassettes"


@pytest.mark.vcr
def test_the_audit_of_a_company(api: Api) -> None:
    problems = list(audit(api.credentials()))
    assert Problem("Nightly report", "may be used from anywhere") in problems
    assert Problem("Does it all", "makes credentials, and does other things") in problems
    assert not [problem for problem in problems if problem.credential in ("Web shop", "Switched off")]


@pytest.mark.vcr
def test_a_new_credential_has_what_was_asked_for(api: Api) -> None:
    made = api.create(["Management API - Stores read"], "Store finder")
    shown = Api(COMPANY, made.api_key, os.environ.get("AUDIT_URL", TEST)).me()
    assert (shown.username, shown.roles) == (made.username, ("Management API - Stores read",))


def test_who_am_i(api: Api, record_mode: str) -> None:
    with vcr.use_cassette(str(CASSETTES / "me.yaml"), record_mode="all" if record_mode == "rewrite" else "none"):
        assert api.me().is_active
