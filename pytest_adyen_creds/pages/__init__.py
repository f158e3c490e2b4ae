"""The sandbox's pages for a browser: a Customer Area, what code asked, the clock, faults and rules."""

from __future__ import annotations

from pytest_adyen_creds.pages.app import Pages

__all__ = ["Pages"]
