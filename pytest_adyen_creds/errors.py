"""The errors that this package raises: one hierarchy, each message with its next step."""

from __future__ import annotations


class AdyenCredsError(Exception):
    """Something stopped the run: the message says what happened, where, and what to do next."""


def in_words(error: BaseException) -> str:
    """Return what ``error`` says: one of this package's its text, any other its class as well."""
    return str(error) if isinstance(error, AdyenCredsError) else f"{type(error).__name__}: {error}"


class SettingsError(AdyenCredsError):
    """An option, an ini value or an environment variable is missing or wrong."""


class EndpointRefused(AdyenCredsError):
    """The endpoint guard refused a URL; nothing was sent."""


class OwnershipRefused(AdyenCredsError):
    """A changing request was aimed at something this run does not own; nothing was sent."""


class BudgetSpent(OwnershipRefused):
    """A creating request would exceed ``--adyen-max-created``; nothing was sent."""


class FileRefused(AdyenCredsError):
    """A file could not be read, or is not what it must be."""


class ContractError(AdyenCredsError):
    """A contract's document is wrong; the message names the document and the pointer."""


class CassetteError(AdyenCredsError):
    """A cassette is missing, unreadable, or does not hold what was asked for."""


class ApiError(AdyenCredsError):
    """The API answered with an error that the caller has to know about.

    Each of the attributes is None where the answer did not say, and all of them where there was no answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        error_code: str | None = None,
        request_id: str | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.request_id = request_id
        self.title = title


class CredentialError(AdyenCredsError):
    """A throwaway credential could not be provided, reset or returned."""


class SandboxError(AdyenCredsError):
    """The sandbox was asked for something it does not have or cannot do."""


class StaleCassetteWarning(UserWarning):
    """A cassette is older than ``adyen_cassette_max_age`` allows, or was recorded with another contract.

    An error where the ini file says so: ``filterwarnings = error::pytest_adyen_creds.errors.StaleCassetteWarning``.
    """


class AdyenMarkerWarning(UserWarning):
    """A mark of a test changes nothing: its name is misspelt, or the test asks for no credential."""
