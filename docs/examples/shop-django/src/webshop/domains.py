"""The service: a domain is added or removed in the shop first, and at Adyen as soon as Adyen answers."""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from webshop.models import ShopDomain
from webshop.origins import AdyenUnavailable, AllowedOrigins, OriginRefused, canonical

State = ShopDomain.State
_log: Final = logging.getLogger(__name__)


def add(origin: str) -> ShopDomain:
    """Add a domain to the shop, and to the client key's origins; raises :class:`ValueError` for what is no origin."""
    domain, _ = ShopDomain.objects.update_or_create(origin=canonical(origin), defaults={"state": State.ADDING})
    sync(ShopDomain.objects.filter(pk=domain.pk))
    domain.refresh_from_db()
    return domain


def remove(domain: ShopDomain) -> None:
    """Remove a domain. Its row stays until its origin is gone at Adyen."""
    domain.state = State.REMOVING
    domain.save(update_fields=["state"])
    sync(ShopDomain.objects.filter(pk=domain.pk))


def unfinished() -> QuerySet[ShopDomain]:
    """Return the domains that Adyen is still to be told of."""
    return ShopDomain.objects.filter(state__in=[State.ADDING, State.REMOVING])


def sync(domains: QuerySet[ShopDomain]) -> bool:
    """Tell Adyen of ``domains``; return whether nothing is left to tell. Origins that are no domain's stay alone.

    No transaction is open meanwhile. Whatever ends between a request and its row is put right by the next sync.
    """
    with AllowedOrigins(settings.ADYEN_MANAGEMENT_URL, settings.ADYEN_API_KEY) as origins:
        return all([_sync_one(domain, origins) for domain in domains])  # noqa: C419 - each of them


def _sync_one(domain: ShopDomain, origins: AllowedOrigins) -> bool:
    try:
        if domain.state == State.REMOVING:
            origins.remove(domain.origin)
            domain.delete()
        else:
            origins.add(domain.origin)
            _say(domain, State.LIVE)
    except OriginRefused as error:
        _log.warning("%s is refused: %s", domain.origin, error)
        _say(domain, State.REFUSED)
    except AdyenUnavailable as error:
        _log.warning("%s has to wait: %s", domain.origin, error)
        return False
    return True


def _say(domain: ShopDomain, state: ShopDomain.State) -> None:
    # only from the state that was carried out: somebody may have decided otherwise meanwhile
    ShopDomain.objects.filter(pk=domain.pk, state=domain.state).update(state=state)
