"""The standard library's socket: the functions below its module, which are what other modules imported from it."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Iterable
from typing import Any, Final

LOOKING_UP: Final = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
"""The functions that look names up."""

look_up: Final = _socket.getaddrinfo
"""Looks a name up, whatever stands in the place of the module's function."""

_BELOW: Final = {id(getattr(_socket, name)) for name in LOOKING_UP}


def imported_early(modules: Iterable[Any]) -> list[tuple[Any, str]]:
    """Return which of ``modules`` hold a function that looks names up, under which name: it stays as it is there."""
    return [
        (module, name)
        for module in modules
        if module is not socket and isinstance(names := getattr(module, "__dict__", None), dict)
        for name, value in list(names.items())
        if id(value) in _BELOW
    ]
