"""The key that signs a live run's requests: read once, when the run starts, and then in no environment."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final, NamedTuple

from pytest_adyen_creds.errors import FileRefused, SettingsError
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.secrets import SECRETS, Secret

_KEY: Final = "ADYEN_MANAGEMENT_API_KEY"


class ProvisioningKey(NamedTuple):
    """What the environment has of the key that signs a live run's requests."""

    secret: Secret | None
    source: str = f"environment {_KEY}"
    """Where it is from, in words."""
    problem: str = ""
    """Why there is none though the environment names one."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ProvisioningKey:
        """Read the key, or the file that holds it; whether a run needs it is not known yet, so nothing is raised."""
        try:
            text, source = read_key(environ, _KEY)
        except SettingsError as error:
            return cls(None, problem=str(error))
        return cls(Secret(text) if text else None, source)

    @classmethod
    def take(cls, environ: MutableMapping[str, str], *, keep: bool = False) -> tuple[ProvisioningKey, dict[str, str]]:
        """Return the key of ``environ``, and the variables about it, which are taken out unless they are to be kept.

        Keys of other users are registered, so that they are masked, and stay: they are there for tests.
        """
        for name, value in environ.items():
            if name.startswith("ADYEN_") and name.endswith("_API_KEY"):
                SECRETS.add(value.strip())
        key = cls.of(environ)
        taken = {} if keep else {name: environ.pop(name) for name in (_KEY, f"{_KEY}_FILE") if name in environ}
        return key, taken


def read_key(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the key that the variable ``name``, or the file that ``NAME_FILE`` names, holds, and where it is from.

    Empty where there is none. Raises :class:`SettingsError` for both, and for a file that cannot be read.
    """
    text, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    SECRETS.add(text)
    if text and path:
        raise SettingsError(f"environment {name} and {name}_FILE are both set; unset one of them")
    if path:
        try:
            text = read_text(path, largest=65_536).strip()
        except FileRefused as error:
            raise SettingsError(f"environment {name}_FILE: {error}") from None
        SECRETS.add(text)
    return text, f"environment {name}_FILE" if path else f"environment {name}"
