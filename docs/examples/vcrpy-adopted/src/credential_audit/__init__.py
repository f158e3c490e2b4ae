"""Which API credentials of a company may do more than they should, and new ones that may not."""

from credential_audit.api import Api, Credential, NewCredential
from credential_audit.audit import Problem, audit

__all__ = ["Api", "Credential", "NewCredential", "Problem", "audit"]
