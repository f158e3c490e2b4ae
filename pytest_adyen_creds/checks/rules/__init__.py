"""The Adyen checks: rules by subject, each with its documented source; ``RULES`` is the table."""

from __future__ import annotations

from pytest_adyen_creds.checks.rules import (  # each enters its rules into the table
    credentials,
    errors,
    links,
    origins,
    pages,
    secrets,
)
from pytest_adyen_creds.checks.rules.rule import RULES, Rule, RuleViolation

__all__ = ["RULES", "Rule", "RuleViolation", "credentials", "errors", "links", "origins", "pages", "secrets"]
