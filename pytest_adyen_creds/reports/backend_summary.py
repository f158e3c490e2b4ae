"""The backend summary: who answered the tests of a run, in a line for its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_adyen_creds.cassettes.orphans import find_orphans
from pytest_adyen_creds.cassettes.paths import shown
from pytest_adyen_creds.endpoints import MANAGEMENT_HOST
from pytest_adyen_creds.text import counted

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results


def backend_lines(results: Results) -> Iterator[str]:
    """Yield how many tests were answered by whom, what was recorded, and a base URL that nothing was sent to.

    Of a live run: how many answers the sandbox would have given otherwise. Nothing where no test uses the plugin.
    """
    settings = results.settings
    if results.compared["answers"]:
        otherwise, answers = results.compared["otherwise"], counted(results.compared["answers"], "answer")
        how = "; record them (--adyen-record=all): adyen-creds sandbox compare says in what" if otherwise else ""
        yield f"adyen: the sandbox would have given {otherwise} of {answers} otherwise{how}"
    if results.compared["uncompared"]:
        yield f"adyen: {counted(results.compared['uncompared'], 'answer')} could not be compared with the sandbox's"
    if not results.answered:
        return
    ways = {
        "cassette": "replayed",
        "sandbox": "answered by the sandbox",
        "live": f"answered by {settings.base_url}",
    }
    counts = [(results.answered[who], way) for who, way in ways.items() if results.answered[who]]
    tests = "test" if counts[0][0] == 1 else "tests"
    said = [f"{count} {tests + ' ' if not number else ''}{way}" for number, (count, way) in enumerate(counts)]
    yield f"adyen: {', '.join(said)}"
    for folder in sorted({path.parent for path in results.unrecorded}):
        issues, _ = find_orphans(sorted(folder.glob("*.yaml")))
        for issue in issues:
            yield f"adyen: the sandbox answered a test, and {shown(issue.path)} lies there: {issue.message}"
    if settings.record != "none":
        failed = results.kept["failed"]
        why = f"; {counted(failed, 'test')} failed, and left {'its' if failed == 1 else 'theirs'} as it was"
        yield f"adyen: {counted(results.kept['written'], 'cassette')} written{why if failed else ''}"
    if settings.backend != "live" and settings.base_url != f"https://{MANAGEMENT_HOST}/{settings.api_version}":
        yield f"adyen: nothing was sent to {settings.base_url}, the base URL; that takes --adyen-live"
