"""What the shop knows: its domains, and how far Adyen has been told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class ShopDomain(models.Model):
    """A domain of the shop. The row says what is wanted; a sync makes it true, and says so."""

    class State(models.TextChoices):
        """How far it is."""

        ADDING = "adding"
        LIVE = "live"
        REMOVING = "removing"
        REFUSED = "refused"

    origin = models.CharField(max_length=255, unique=True)
    """Scheme, host and, where it is not the scheme's own, port; in small letters."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.ADDING)

    objects: ClassVar[models.Manager[ShopDomain]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.origin} ({self.state})"
