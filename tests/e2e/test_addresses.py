"""Several addresses of one bucket, as a real browser sees them: origins of their own, with CSP and CORS."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response

from tests.e2e.conftest import log_in
from tests.e2e.test_upload import await_end, choose, only_upload
from tests.stack import Stack

CLOSED = "127.0.0.1:9"
"""Where nothing listens."""


class TwoAddresses(Stack):
    """The first address of the bucket does not answer; the second is the local OSS by another name."""

    def _environment(self) -> dict[str, str]:
        url = self.oss_server.url
        addresses = {"OSS_ENDPOINT": f"http://{CLOSED}", "OSS_MORE_ENDPOINTS": url.replace("127.0.0.1", "localhost")}
        return {**super()._environment(), **addresses, "OSS_INTERNAL_ENDPOINT": url}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with TwoAddresses() as stack:
        yield stack


@pytest.mark.parametrize("size", [20_000_000, 40_000_000], ids=["one request", "parts"])
def test_an_upload_continues_at_the_address_that_answers(page: Page, stack: Stack, tmp_path: Path, size: int) -> None:
    film = tmp_path / f"{size}.mp4"
    film.write_bytes(os.urandom(size))
    answered: list[str | None] = []

    def note(response: Response) -> None:
        if response.ok and response.request.method in ("POST", "PUT") and stack.oss_server.bucket in response.url:
            answered.append(urlsplit(response.url).hostname)

    page.on("response", note)
    log_in(page, stack)
    choose(page, film)
    await_end(page)
    upload = only_upload(stack, film.name)
    assert (upload["state"], upload["size"], set(answered)) == ("completed", size, {"localhost"})
