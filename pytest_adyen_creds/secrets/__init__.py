"""Secrets: values that show themselves only on request, and the masking of everything else."""

from pytest_adyen_creds.secrets.registry import MASK, SECRETS, Secret, SecretRegistry, mask_text

__all__ = ["MASK", "SECRETS", "Secret", "SecretRegistry", "mask_text"]
