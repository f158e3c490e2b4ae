"""The route: where the requests of a run's own clients go while a test runs, whatever the scope of the client."""

from __future__ import annotations

import httpx

from pytest_adyen_creds.errors import CassetteError


class Route:
    """One for all clients of a process: to :attr:`mode` where the running test has set one, else where a client leads.

    With ``is_closed`` requests lead nowhere without a mode: in replay no server answers.
    """

    def __init__(self, *, is_closed: bool = False) -> None:
        self.mode: httpx.BaseTransport | None = None
        self.origin: str | None = None
        """Who answers in words, where that is not whom the client leads to."""
        self.is_closed = is_closed


class RoutedTransport(httpx.BaseTransport):
    """The transport of a client that leads to ``default`` where ``route`` leads nowhere else."""

    def __init__(self, route: Route, default: httpx.BaseTransport) -> None:
        self._route = route
        self._default = default

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises :class:`CassetteError` for one outside any test, in replay."""
        if self._route.mode is None and self._route.is_closed:
            raise CassetteError(
                f"{request.method} {request.url.path}: was asked outside of a test that has a cassette, and in replay "
                "cassettes alone answer; ask within a test that uses the fixture adyen_traffic, or use "
                "--adyen-backend=auto"
            )
        return (self._route.mode or self._default).handle_request(request)

    def close(self) -> None:
        """Close what the client leads to."""
        self._default.close()
