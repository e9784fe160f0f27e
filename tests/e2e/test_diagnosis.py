"""OSS gives a page no readable answer: the page finds out why, and says what to do.

A page of another origin, with https, is made by intercepting its requests: Playwright passes them on to the site.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import log_in
from tests.e2e.test_trouble import Faults
from tests.e2e.test_upload import await_end, choose, item
from tests.stack import Stack

ORIGIN = "https://uploads.example"
FAR = "http://oss.example:9000"
"""An address that a page with https may not reach."""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">{policy}<title>Upload</title>
<script type="module" src="/static/uploads/oss-uploads.js"></script>
<oss-uploader api="/api/"></oss-uploader></html>"""
POLICY = """<meta http-equiv="Content-Security-Policy" content="connect-src 'self'">"""
FORBIDDEN = {"status": 400, "code": "PublicEndpointForbidden"}


@pytest.fixture
def faults(failing_stack: Stack) -> Iterator[Faults]:
    faults = Faults(failing_stack)
    yield faults
    faults.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(3_000_000))
    return path


def serve(page: Page, stack: Stack, policy: str = "", address: str = "") -> None:
    """Open a page of ORIGIN. `address` stands in place of OSS's in what the site answers."""
    token = stack.api().headers["Authorization"]
    oss = stack.oss_server.url

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.path == "/":
            route.fulfill(content_type="text/html", body=PAGE.format(policy=policy))
            return
        headers = {**route.request.headers, "authorization": token}
        answered = route.fetch(url=f"{stack.site.url}{url.path}?{url.query}", headers=headers)
        body = answered.text().replace(oss, address or oss)
        kept = {name: value for name, value in answered.headers.items() if name == "content-type"}
        route.fulfill(status=answered.status, headers=kept, body=body)

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")


def assert_fails(page: Page, code: str, *words: str) -> None:
    """The upload fails with this code, and the page shows these words."""
    expect(item(page, "failed")).to_have_count(1)
    error = page.get_by_test_id("error")
    expect(error).to_have_attribute("data-code", code)
    for text in words:
        expect(error).to_contain_text(text)


def test_a_refusal_that_the_browser_hides_is_told_with_its_cure(
    page: Page, failing_stack: Stack, faults: Faults, file: Path
) -> None:
    hidden = [{"operation": name, "error": FORBIDDEN, "hide_cors": True} for name in ("Preflight", "HeadObject")]
    faults.set(*hidden)
    log_in(page, failing_stack)
    choose(page, file)
    assert_fails(page, "PublicEndpointForbidden", "OSS refuses the uploads of this page", "OSS_ADDRESSING=cname")
    faults.clear()
    page.get_by_role("button", name="Retry").first.click()
    await_end(page)


def test_a_content_security_policy_that_lacks_oss(page: Page, failing_stack: Stack, file: Path) -> None:
    serve(page, failing_stack, policy=POLICY)
    choose(page, file)
    assert_fails(page, "csp_blocked", "connect-src", failing_stack.oss_server.url)


def test_a_page_with_https_and_an_oss_without(page: Page, failing_stack: Stack, file: Path) -> None:
    serve(page, failing_stack, address=FAR)
    choose(page, file)
    assert_fails(page, "mixed_content", "https", FAR)
