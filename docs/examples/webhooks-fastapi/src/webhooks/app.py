"""The application: checks who sent it, keeps it, answers; handles it afterwards."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response

from webhooks.inbox import Inbox, Notification
from webhooks.signatures import Keys, is_signed_body, is_signed_item, keys_of

LARGEST: Final = 1_000_000
"""The largest body, in bytes. Adyen's are some thousands."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What a deployment says: the HMAC keys of both kinds of webhooks, and where the inbox is."""

    platform_keys: Keys
    classic_keys: Keys
    inbox: Path

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read ``ADYEN_PLATFORM_HMAC_KEYS``, ``ADYEN_CLASSIC_HMAC_KEYS`` and ``INBOX``."""
        platform, classic = environment["ADYEN_PLATFORM_HMAC_KEYS"], environment["ADYEN_CLASSIC_HMAC_KEYS"]
        return cls(keys_of(platform), keys_of(classic), Path(environment["INBOX"]))


async def body_of(request: Request) -> bytes:
    """Return the body as it was sent, which is what is signed; refuse one that is too large before it is all here."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise HTTPException(413)
    return bytes(body)


Body = Annotated[bytes, Depends(body_of)]


def create_app(settings: Settings, handle: Callable[[Notification], object]) -> FastAPI:
    """Return the application; ``handle`` gets each notification once, after it was answered."""
    inbox = Inbox(settings.inbox)

    def drain() -> None:
        for error in inbox.drain(handle):
            _log.error("a notification could not be handled", exc_info=error)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        drain()  # what an earlier process took and did not come to handle
        yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    # no coroutines: FastAPI runs them on threads, and the file is waited for there
    @app.post("/webhooks/platform", status_code=202)
    def platform(body: Body, after: BackgroundTasks, hmacsignature: Annotated[str | None, Header()] = None) -> None:
        if not is_signed_body(body, hmacsignature, settings.platform_keys):
            raise HTTPException(401)
        inbox.keep([Notification.of_platform(_object_in(body), body)])
        after.add_task(drain)

    @app.post("/webhooks/classic")
    def classic(body: Body, after: BackgroundTasks) -> Response:
        items = _items_in(_object_in(body))
        if not all(is_signed_item(item, settings.classic_keys) for item in items):
            raise HTTPException(401)
        inbox.keep([Notification.of_item(item) for item in items])
        after.add_task(drain)
        return Response("[accepted]", 202)

    return app


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTTPException(400)
    return value


def _items_in(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    wrapped = body.get("notificationItems")
    items = [each.get("NotificationRequestItem") for each in wrapped] if isinstance(wrapped, list) else []
    if not items or not all(isinstance(item, dict) for item in items):
        raise HTTPException(400)
    return items


def main() -> FastAPI:
    """Return the application of this process's environment: ``uvicorn --factory webhooks.app:main``."""
    return create_app(Settings.of_environment(os.environ), lambda each: _log.info("handled %s", each.id))
