"""The embedded Management API: stateful, honest about its evidence, on no network."""

from __future__ import annotations

from pytest_adyen_creds.sandbox.clock import Clock
from pytest_adyen_creds.sandbox.embedded import Provisioning, Sandbox
from pytest_adyen_creds.sandbox.evidence import Evidence, Rule, registered_rules
from pytest_adyen_creds.sandbox.faults import Fault, FaultKind
from pytest_adyen_creds.sandbox.wire import ConnectionLost

__all__ = [
    "Clock",
    "ConnectionLost",
    "Evidence",
    "Fault",
    "FaultKind",
    "Provisioning",
    "Rule",
    "Sandbox",
    "behaviours",
]


def behaviours() -> tuple[Rule, ...]:
    """Return every rule of the sandbox with its evidence and source, ordered by subject and name."""
    return registered_rules()
