"""The pages as a browser without JavaScript has them: forms are filled in and sent as they stand."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from pytest_adyen_creds.pages import Pages
from pytest_adyen_creds.sandbox import Sandbox

URL = "http://127.0.0.1:8080"


class Forms(HTMLParser):
    """The forms of a page: action, and the values that would be sent as they stand."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []
        self._named: str | None = None
        self._is_text = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((has.get("action", ""), []))
        elif tag == "input" and "name" in has and self.forms:
            if has.get("type") not in ("checkbox", "radio") or "checked" in has:
                self.forms[-1][1].append((has["name"], has.get("value", "on")))
        elif tag in ("select", "textarea") and self.forms:
            self._named, self._is_text = has["name"], tag == "textarea"
            self.forms[-1][1].append((self._named, ""))
        elif tag == "option" and "selected" in has and self._named:
            self.forms[-1][1][-1] = (self._named, has.get("value", ""))
            self._is_text = "value" not in has

    def handle_data(self, data: str) -> None:
        if self._named and self._is_text:  # of a text area, or of the option that is selected
            self.forms[-1][1][-1] = (self._named, data)
            self._is_text = False

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._named = None


class Browser:
    """A browser without JavaScript, on the pages of ``sandbox``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = httpx.Client(transport=httpx.WSGITransport(Pages(sandbox)), base_url=URL)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path, follow_redirects=True)

    def send(self, path: str, change: Callable[[dict[str, Any]], None] = lambda form: None, **fields: Any) -> str:
        """Fill in the form of the page at ``path`` that is sent by POST, send it, and return the page that follows."""
        page = self.client.get(path, follow_redirects=True)
        action, values = [form for form in Forms(page.text).forms if any(n == "token" for n, _ in form[1])][-1]
        form: dict[str, Any] = {}
        for name, value in values:
            form.setdefault(name, []).append(value)
        form |= fields
        change(form)
        answer = self.client.post(action, data=form, headers={"Origin": URL})
        assert answer.status_code == 303, answer.text
        return self.client.get(answer.headers["Location"]).text


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def browser(sandbox: Sandbox) -> Browser:
    return Browser(sandbox)


@pytest.fixture
def api(sandbox: Sandbox) -> httpx.Client:
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    return httpx.Client(transport=sandbox.transport(), base_url=f"{URL}/v3", headers=headers)
