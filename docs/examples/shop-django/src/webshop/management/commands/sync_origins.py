"""``manage.py sync_origins``, every few minutes: what Adyen could not be told at once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webshop.domains import sync, unfinished


class Command(BaseCommand):
    """Tell Adyen of the domains that are unfinished."""

    help = "Tell Adyen of domains that were added or removed while it did not answer."

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Raise :class:`CommandError` (exit status 1) while something is left to tell."""
        waiting = unfinished()
        told = waiting.count()
        if not sync(waiting):
            raise CommandError(f"Adyen has not taken: {', '.join(str(each) for each in unfinished())}")
        self.stdout.write(f"{told} told")
