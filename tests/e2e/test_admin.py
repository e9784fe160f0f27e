"""The admin in a real Chromium: search, inspect, abort one, abort many, orphans, statistics."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import MANY_FILES
from tests.stack import Stack, deliver

LIST = "/admin/uploads/upload/"


@pytest.fixture(scope="module")
def admin_stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def admin(page: Page, admin_stack: Stack) -> Page:
    page.goto(f"{admin_stack.site.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("button", name="Log in").click()
    page.goto(admin_stack.site.url + LIST)
    return page


def begin(stack: Stack, count: int, name: str, size: int) -> list[dict[str, str]]:
    made: list[dict[str, str]] = []
    with stack.api() as api:
        while len(made) < count:
            batch = [{"destination": "default", "filename": f"{name}-{len(made) + n}", "size": size, "sign": 1}
                     for n in range(min(100, count - len(made)))]  # fmt: skip
            made += (
                api.post("uploads/batch/", json={"uploads": batch}, timeout=300).raise_for_status().json()["uploads"]
            )
    return made


def test_one_is_found_inspected_and_aborted(admin: Page, admin_stack: Stack) -> None:
    (film,) = begin(admin_stack, 1, "holiday film", 30_000_000)
    begin(admin_stack, 3, "other", 5)
    assert deliver(film["parts"][0], bytes(8 << 20)).status_code == 200
    admin.reload()
    admin.locator("#searchbar").fill("holiday")
    admin.get_by_role("button", name="Search").click()
    rows = admin.locator("#result_list tbody tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("checkbox").check()
    admin.locator("select[name=action]").select_option(label="Check the selected uploads against OSS")
    admin.get_by_role("button", name=re.compile("Run|Go")).click()
    expect(admin.get_by_text("1 checked.")).to_be_visible()
    admin.get_by_role("link", name="holiday film-0").click()
    expect(admin.get_by_role("img", name="1 of 4 parts recorded")).to_be_visible()
    expect(admin.locator(".up-timeline")).to_contain_text("begin by demo")

    admin.goto(f"{admin_stack.site.url}{LIST}?q=holiday")
    rows.get_by_role("checkbox").check()
    admin.locator("select[name=action]").select_option(label="Abort the selected uploads")
    admin.get_by_role("button", name=re.compile("Run|Go")).click()
    admin.get_by_role("button", name="Abort these uploads").click()
    expect(admin.get_by_text("All done.")).to_be_visible()
    expect(admin.get_by_role("status")).to_have_text("1 of 1 done: 1 aborted, 0 refused")
    with admin_stack.api() as api:
        assert api.get(f"uploads/{film['id']}/").json()["state"] == "aborted"


def test_many_are_aborted_while_the_page_counts(admin: Page, admin_stack: Stack) -> None:
    begin(admin_stack, MANY_FILES, "clutter", 5)
    longest: list[float] = []
    admin.on("requestfinished", lambda request: longest.append(request.timing["responseEnd"]) if "/next/" in request.url
             else None)  # fmt: skip
    admin.goto(f"{admin_stack.site.url}{LIST}?q=clutter")
    admin.locator("#action-toggle").check()
    admin.get_by_role("button", name=re.compile("Select all")).click()
    admin.locator("select[name=action]").select_option(label="Abort the selected uploads")
    admin.get_by_role("button", name=re.compile("Run|Go")).click()
    admin.get_by_role("button", name="Abort these uploads").click()
    expect(admin.get_by_role("progressbar")).to_be_visible()
    expect(admin.get_by_role("status")).to_have_text(
        f"{MANY_FILES} of {MANY_FILES} done: {MANY_FILES} aborted, 0 refused", timeout=300_000
    )
    assert len(longest) >= MANY_FILES / 50
    admin.goto(f"{admin_stack.site.url}{LIST}?q=clutter&state=uploading")
    expect(admin.locator("#result_list")).to_have_count(0)


def test_an_orphan_is_found_and_aborted(admin: Page, admin_stack: Stack) -> None:
    oss = admin_stack.oss()
    oss.initiate(admin_stack.oss_server.bucket, "backups/by hand.tar")
    admin.get_by_role("link", name="Multipart uploads at OSS").click()
    admin.get_by_label("Prefix").fill("backups/")
    admin.get_by_role("button", name="Show").click()
    admin.get_by_role("checkbox", name="backups/by hand.tar").check()
    admin.get_by_role("button", name="Abort selected at OSS").click()
    expect(admin.get_by_text("1 aborted at OSS.")).to_be_visible()
    expect(admin.get_by_text("There are no unfinished multipart uploads.")).to_be_visible()
    assert list(oss.all_uploads(admin_stack.oss_server.bucket, "backups/")) == []
    oss.close()


def test_the_statistics_are_drawn(admin: Page) -> None:
    admin.get_by_role("link", name="Statistics").click()
    for name in ("Uploads per day", "Bytes per day"):
        chart = admin.get_by_role("img", name=name)
        expect(chart).to_be_visible()
        assert chart.locator("rect").count() == 30
    expect(admin.get_by_role("heading", name="Failed uploads by error")).to_be_visible()
    messages: list[str] = []
    admin.on("console", lambda message: messages.append(message.text) if message.type == "error" else None)
    admin.reload()
    assert messages == []
