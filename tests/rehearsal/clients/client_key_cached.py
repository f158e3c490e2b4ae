"""The client key is read once, when the page is made: after a rotation it shows the old one."""

import httpx

LABELS = """
broke    before request * client-key-rotated        # the test wants the one that is valid now
broke    before request * client-key-expired
broke    GET /me 200 deviation-shown@/clientKey
silent   must-notice
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  *@/clientKey
"""


class Page:
    def __init__(self, credential):
        self.client_key = credential.client_key.reveal()

    def html(self):
        return f"<script data-key='{self.client_key}'></script>"


def test_the_page_has_the_key_of_now(adyen_credential):
    page = Page(adyen_credential)
    for _ in range(2):
        headers = {"X-API-Key": adyen_credential.api_key.reveal()}
        answer = httpx.get("https://management-test.adyen.com/v3/me", headers=headers)
        assert f"'{answer.raise_for_status().json()['clientKey']}'" in page.html()
