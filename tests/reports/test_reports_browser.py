"""The HTML report in a real browser: nothing on the console, nothing asked for, keyboard, dark, paper, small screen."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import counts
import pytest
from chromium import Browser, chromium
from reports_samples import HOSTILE, NOW, results_of, see
from selenium.webdriver import Keys

from pytest_adyen_creds.reports.page import page_of
from pytest_adyen_creds.reports.report import write_reports

pytestmark = pytest.mark.slow("a browser")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, full_report: dict[str, Any]) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(full_report), encoding="utf-8")
    return path


@pytest.fixture
def browser(started: Browser, page: Path) -> Browser:
    started.media()
    started.width(0)
    started.open(page.as_uri())
    return started


def test_the_console_stays_silent_and_nothing_is_asked_for(browser: Browser) -> None:
    assert browser.console() == []
    assert browser.asked_for() == [browser.run("location.href")]


def test_what_is_hostile_stays_text(browser: Browser) -> None:
    assert browser.run("typeof window.hostile") == "undefined"
    assert browser.run("document.querySelectorAll('script, img, iframe, b').length") == 0
    assert HOSTILE[0][:40] in browser.run("document.body.innerText")
    assert browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_it_works_without_a_mouse(browser: Browser) -> None:
    browser.run("document.activeElement.blur()")
    reached = []
    for _ in range(60):
        browser.press(Keys.TAB)
        if browser.run("document.activeElement === document.body"):
            break  # after the last one
        reached.append(browser.run("document.activeElement.outerHTML.slice(0, 40)"))
        outline = browser.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"the focus is not to be seen on {reached[-1]}"
    assert reached[0].startswith('<a class="skip" href="#findings"')
    assert any(each.startswith('<a href="#coverage"') for each in reached)
    assert sum(each.startswith("<summary") for each in reached) >= 8
    assert any('role="region"' in each for each in reached), "tables that scroll can be scrolled by keyboard"
    browser.run("document.querySelector('details').querySelector('summary').focus()")
    for key, is_open in ((Keys.ENTER, False), (Keys.SPACE, True)):
        browser.press(key)
        assert browser.run("document.querySelector('details').open") is is_open


def test_headings_and_tables_say_what_they_are(browser: Browser) -> None:
    assert browser.run("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName + h.innerText)") == [
        "H1Adyen contract and drift",
        "H2Drift",
        "H2Coverage",
        "H2Failed checks",
        "H2Recordings",
        "H2Known deviations",
    ]
    assert browser.run("[...document.querySelectorAll('table')].every(t => t.caption && t.tHead)")
    assert browser.run("[...document.querySelectorAll('th')].every(h => h.scope)")
    assert browser.run("document.querySelectorAll('.matrix tbody tr').length") == counts.operations()
    assert browser.run("document.documentElement.lang") == "en"
    ids = browser.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = browser.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert {target.removeprefix("#") for target in targets} <= set(ids)


BROKEN = """
(() => {
  const broken = [], range = document.createRange();
  const paths = [...document.querySelectorAll('code')].filter(c => /^([A-Z]+ .|cassettes.)/.test(c.innerText));
  for (const node of paths.flatMap(code => [...code.childNodes]).filter(n => n.nodeType === 3)) {
    for (const word of node.data.matchAll(/[A-Za-z0-9{}.]+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(r => r.top)).size > 1) broken.push(word[0]);
    }
  }
  return [paths.length > 60, broken];
})()
"""
"""Whether labels of operations and paths of cassettes are there, and which of their words stand on two lines."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_small_screen(browser: Browser, scheme: str) -> None:
    browser.media("screen", scheme)
    browser.width(360)
    boxes = "[document.documentElement, ...document.querySelectorAll('.scroll, pre')]"
    too_wide = "filter(e => e.scrollWidth > e.clientWidth).map(e => e.outerHTML.slice(0, 80))"
    assert browser.run(f"{boxes}.{too_wide}") == []
    assert browser.run(BROKEN) == [True, []]
    assert browser.run(CONTRAST) >= 4.5


CONTRAST = """
(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  let worst = 21;
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    worst = Math.min(worst, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
  }
  return worst;
})()
"""


@pytest.mark.parametrize("media", ["light", "dark", "print"])
def test_text_can_be_read_in_light_in_the_dark_and_on_paper(browser: Browser, media: str) -> None:
    browser.media("print" if media == "print" else "screen", "dark" if media != "light" else "light")
    try:
        backdrop = browser.run("getComputedStyle(document.body).backgroundColor")
        assert (backdrop == "rgb(255, 255, 255)") == (media != "dark")
        assert browser.run(CONTRAST) >= 4.5  # WCAG 2.2, AA
    finally:
        browser.media()


def test_paper_shows_what_is_folded(browser: Browser) -> None:
    seen = "document.querySelector('details:not([open]) .inside').checkVisibility()"
    height = "document.querySelector('details:not([open])').getBoundingClientRect().height"
    browser.media()
    folded = browser.run(height)
    assert not browser.run(seen)
    browser.media("print")
    try:
        assert browser.run(seen)
        assert browser.run(height) > folded + 20
        assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    finally:
        browser.media()
    printed = base64.b64decode(browser.driver.print_page())
    assert printed.startswith(b"%PDF-")


def test_a_run_that_saw_nothing_has_a_page_too(tmp_path: Path, browser: Browser) -> None:
    results = results_of(tmp_path)
    see(results)
    assert write_reports(results, [tmp_path / "r.html"], NOW) == []
    browser.open((tmp_path / "r.html").as_uri())
    assert "No answer departs from the contract." in browser.run("document.body.innerText")
    assert browser.console() == []
