"""The Adyen checks: rules by subject, each with its documented source; ``RULES`` is the table."""

from __future__ import annotations

from pytest_adyen_creds.checks.rules import (  # each enters its rules into the table
    acceptance,
    agreement,
    envelope,
    keys,
    links,
    origins,
    pages,
    roles,
    secrecy,
    usernames,
)
from pytest_adyen_creds.checks.rules.rule import RULES, Complaint, Evidence, Rule

__all__ = [
    "RULES",
    "Complaint",
    "Evidence",
    "Rule",
    "acceptance",
    "agreement",
    "envelope",
    "keys",
    "links",
    "origins",
    "pages",
    "roles",
    "secrecy",
    "usernames",
]
