"""Drift: findings in answers, in specifications and in recordings."""

from pytest_adyen_creds.drift.finding import Finding
from pytest_adyen_creds.drift.specification import compare

__all__ = ["Finding", "compare"]
