"""The embedded Management API: stateful, honest about its evidence, on no network."""

from __future__ import annotations

from pytest_adyen_creds.sandbox.clock import Clock
from pytest_adyen_creds.sandbox.embedded import Provisioning, Sandbox
from pytest_adyen_creds.sandbox.evidence import Evidence, Rule, behaviours
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
