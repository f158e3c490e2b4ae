"""Rotates API keys of Adyen before they are too old."""

from key_rotation.api import AdyenManagement, ManagementApi, Refused, Unavailable
from key_rotation.rotation import Outcome, Policy, Rotator
from key_rotation.store import FileStore, MemoryStore, Pending, Record, Secret, SecretStore

__all__ = [
    "AdyenManagement",
    "FileStore",
    "ManagementApi",
    "MemoryStore",
    "Outcome",
    "Pending",
    "Policy",
    "Record",
    "Refused",
    "Rotator",
    "Secret",
    "SecretStore",
    "Unavailable",
]
