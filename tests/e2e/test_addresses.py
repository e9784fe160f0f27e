"""Several addresses of one bucket, as a real browser sees them: origins of their own, with CSP and CORS."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request

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


def test_an_upload_continues_at_the_address_that_answers(page: Page, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(20_000_000))
    with TwoAddresses() as stack:
        sent: list[Request] = []
        page.on("requestfinished", lambda request: sent.append(request) if request.method == "PUT" else None)
        log_in(page, stack)
        choose(page, film)
        await_end(page)
        hosts = {urlsplit(request.url).hostname for request in sent}
        upload = only_upload(stack, film.name)
        assert (upload["state"], upload["size"], hosts) == ("completed", film.stat().st_size, {"localhost"})
