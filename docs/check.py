"""Build the site strictly, and check what was built: ``python docs/check.py [FOLDER]``, by default in a temporary one.

Sphinx finds pages that are in no tree, and names and links that lead nowhere. Then every link and anchor of the HTML is
looked up once more, and nothing may be loaded from another host. Exit status 1 where anything is wrong.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

DOCS: Final = Path(__file__).parent
_LOADED: Final = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}
_NOT_LOADED: Final = {"canonical", "next", "prev", "search", "index", "author", "help", "up", "contents"}
"""What a ``link`` element names without loading it."""


class Page(HTMLParser):
    """The anchors of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in _LOADED and _LOADED[tag] in given and not _NOT_LOADED & set(given.get("rel", "").split()):
            self.loaded.append(given[_LOADED[tag]])


def build(folder: Path) -> int:
    """Build the site in ``folder``, warnings as errors, names in docstrings included; return the exit status."""
    from sphinx.cmd.build import main

    with tempfile.TemporaryDirectory() as doctrees:
        return main(["-E", "-W", "--keep-going", "-n", "-q", "-b", "html", "-d", doctrees, str(DOCS), str(folder)])


def read_pages(folder: Path) -> dict[Path, Page]:
    """Return the pages of a site by their paths."""
    return {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the site in ``folder``: links and anchors that lead nowhere, and assets of others."""
    pages = read_pages(folder)
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        yield from (f"{name}: loads {url}" for url in page.loaded if urlsplit(url).netloc or urlsplit(url).scheme)
        for url in page.links:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{name}: the link {url} leads to no file"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name}: the link {url} leads to no anchor"
    for style in folder.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        if any(start in text for start in ("url(http", "url('http", 'url("http', "url(//", "@import")):
            yield f"{style.relative_to(folder)}: loads something from elsewhere"


def main(folder: Path) -> int:
    """Build and check the site in ``folder``, print what is wrong, and return the exit status."""
    if build(folder):
        return 1
    found = list(problems(folder))
    print(
        "\n".join(found)
        or f"{len(read_pages(folder))} pages: every link leads somewhere, nothing is loaded from elsewhere"
    )
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(Path(temporary)))
