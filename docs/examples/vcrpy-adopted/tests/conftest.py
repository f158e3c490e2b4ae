"""How the suite has always been recorded and replayed."""

from __future__ import annotations

import os
from typing import Any

import pytest

from credential_audit import Api
from credential_audit.api import TEST

COMPANY = os.environ.get("AUDIT_COMPANY", "PseudoCompany1")
"""Where one records, that company's name; in the cassettes that were scrubbed, its pseudonym."""


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, Any]:
    """What pytest-recording asks for. Nobody thought of filtering headers."""
    return {"decode_compressed_response": True}


@pytest.fixture
def api() -> Api:
    return Api(COMPANY, os.environ.get("AUDIT_KEY", "only needed to record"), os.environ.get("AUDIT_URL", TEST))
