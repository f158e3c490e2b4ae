"""``python -m key_rotation``: the nightly job."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from key_rotation.api import AdyenManagement, Refused, Unavailable
from key_rotation.rotation import Outcome, Policy, Rotator
from key_rotation.store import FileStore

_log = logging.getLogger("key_rotation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Rotate what is due. Exit status: 0 all done, 1 the next run goes on, 2 a person has to look."""
    parser = argparse.ArgumentParser(prog="key_rotation", description=main.__doc__)
    parser.add_argument("store", type=Path, help="the folder of the records")
    parser.add_argument("names", nargs="+", help="which records to rotate")
    parser.add_argument("--admin", required=True, help="the record whose key may generate keys")
    parser.add_argument("--max-age", type=float, default=60, metavar="DAYS", help="older keys are rotated (60)")
    parser.add_argument("--pause", type=float, default=15, metavar="SECONDS", help="before a second attempt (15)")
    parser.add_argument("--platform", choices=["test", "live"], default="test")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    policy = Policy(max_age=timedelta(days=given.max_age), pause=timedelta(seconds=given.pause))
    rotator = Rotator(FileStore(given.store), AdyenManagement(given.platform), given.admin, policy)
    return max(_rotate(rotator, name) for name in given.names)


def _rotate(rotator: Rotator, name: str) -> int:
    try:
        outcome = rotator.rotate(name)
    except Unavailable as error:
        _log.warning("%s: %s; the next run goes on", name, error)
        return 1
    except Refused as error:
        _log.error("%s: Adyen refuses it: %s", name, error)
        return 2
    except KeyError:
        _log.error("%s: there is no such record", name)
        return 2
    _log.info("%s: %s", name, outcome)
    return 1 if outcome is Outcome.WAITING else 0


if __name__ == "__main__":
    sys.exit(main())
