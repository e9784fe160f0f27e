"""Pages of another origin: with cookies, with tokens that expire, and with the element's script at OSS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import log_in_by_page
from tests.front import Front
from tests.stack import Stack

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Upload</title>
<script type="module" src="{script}"></script>
<oss-uploader api="{site}/api/" {attributes}></oss-uploader>
<script>{code}</script></html>
"""
LATE_TOKEN = """
window.asked = [];
document.querySelector("oss-uploader").remove();
customElements.whenDefined("oss-uploader").then(() => {
  const uploader = document.createElement("oss-uploader");
  uploader.api = "%(site)s/api/";
  uploader.headers = async (refused) => {
    window.asked.push(refused);
    return { Authorization: refused || window.asked.includes(true) ? "Token %(token)s" : "Token expired" };
  };
  document.body.append(uploader);
});
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Front]]:
    folder = tmp_path_factory.mktemp("pages")
    with Stack(settings="tests.other_origin", cors=False) as stack, Front(stack, folder) as front:
        site, elsewhere = stack.site, front.url.replace("127.0.0.1", "localhost")
        site.manage("configure_bucket", "--origin", front.url, "--origin", elsewhere)
        site.manage(
            "collectstatic", "--noinput", "--verbosity", "0", "-i", "admin", "-i", "rest_framework", "-i", "drf_*"
        )
        site.environment["UPLOADS_ORIGINS"] = f"{site.url},{front.url},{elsewhere}"
        site.kill()
        site.start()
        with stack.oss() as client:
            script = client.endpoint.url_of(stack.oss_server.bucket, "static/uploads/oss-uploads.js")
        token = stack.api().headers["Authorization"].removeprefix("Token ")
        late = LATE_TOKEN % {"site": site.url, "token": token}
        pages = {"cookies.html": ('credentials="include"', ""), "token.html": ("", late)}
        for name, (attributes, code) in pages.items():
            text = PAGE.format(script=script, site=site.url, attributes=attributes, code=code)
            (folder / name).write_text(text)
        yield stack, front


def upload(page: Page, stack: Stack, folder: Path, name: str) -> None:
    """Choose a file of two parts on the page, and see it complete at OSS."""
    content = (name.encode() + b"\n") * 1_000_000
    (folder / name).write_bytes(content)
    page.get_by_test_id("file-input").set_input_files(folder / name)
    done = page.locator(f'[data-testid="upload-item"][data-filename="{name}"][data-state="completed"]')
    expect(done).to_have_count(1)
    with stack.api() as api:
        (found,) = [each for each in api.get("uploads/").json()["results"] if each["filename"] == name]
    assert b"".join(stack.object_bytes(found)) == content


def test_cookies_and_a_token_that_a_login_in_another_tab_makes_invalid(
    page: Page, other: tuple[Stack, Front], tmp_path: Path
) -> None:
    stack, front = other
    log_in_by_page(page, stack)
    page.goto(f"{front.url}/pages/cookies.html")
    answers: list[tuple[int, str]] = []
    page.on("response", lambda answer: answers.append((answer.status, answer.url.removeprefix(stack.site.url))))
    upload(page, stack, tmp_path, "first.txt")
    assert (200, "/api/csrf/") in answers, "the cookie cannot be read here"
    upload(page, stack, tmp_path, "second.txt")
    assert [url for _, url in answers].count("/api/csrf/") == 1

    with page.context.new_page() as tab:
        tab.goto(stack.site.url)
        tab.locator("form[action*=logout] button").click()
        log_in_by_page(tab, stack)
    upload(page, stack, tmp_path, "third.txt")
    assert [url for _, url in answers].count("/api/csrf/") == 2


def test_a_token_by_a_function_that_is_asked_again(page: Page, other: tuple[Stack, Front], tmp_path: Path) -> None:
    stack, front = other
    page.goto(f"{front.url.replace('127.0.0.1', 'localhost')}/pages/token.html")
    upload(page, stack, tmp_path, "token.txt")
    asked = page.evaluate("window.asked")
    assert asked.count(True) == 1
    assert page.context.cookies() == []


def test_browsers_send_no_cookies_to_another_site(page: Page, other: tuple[Stack, Front]) -> None:
    """localhost and 127.0.0.1 are two sites, and Django's cookies are SameSite=Lax."""
    stack, front = other
    log_in_by_page(page, stack)
    page.goto(f"{front.url.replace('127.0.0.1', 'localhost')}/pages/cookies.html")
    expect(page.get_by_test_id("login-offer")).to_be_visible()
