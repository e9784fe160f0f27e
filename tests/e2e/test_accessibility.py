"""For everybody: axe finds nothing on any of our pages, whatever their state, light or dark, wide or narrow, in English
and in Chinese; the keyboard reaches all of it and one sees where; and nothing has to be pushed sideways to be read.

The admin's frame, list and login are Django's own: there our content alone is judged.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import await_costly, throttle
from tests.e2e.test_upload import choose, item, sparse
from tests.stack import ROOT, Stack, deliver, destinations, wait_until

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, NARROW, ZOOMED, SMALLEST = 1280, 390, 640, 320
"""CSS pixels; `ZOOMED` is what is left of 1280 at 200 %, `SMALLEST` at 400 %."""
EVERY_LOOK = bool(os.environ.get("EVERY_LOOK"))
LOOKS: dict[str, list[tuple[Literal["light", "dark"], int]]] = {
    "en": [("light", WIDE), ("dark", NARROW)],
    "zh-CN": [("dark", WIDE), ("light", NARROW)],
}
"""By language: colors do not depend on the words, so each language is looked at in two of the four looks."""
LOOKS[""] = [*LOOKS["en"], *LOOKS["zh-CN"]]
ADMIN = "/admin/uploads/upload/"
MAX_SIZE = 50_000_000
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh-CN"])


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    with Stack(variables=destinations({"default": {"max_size": MAX_SIZE}})) as stack:
        yield stack


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def context(browser: Browser, language: str) -> Iterator[BrowserContext]:
    """axe is brought in from outside, which the pages' own policy would rightly refuse. Nothing moves meanwhile."""
    context = browser.new_context(locale=language, bypass_csp=True, reduced_motion="reduce")
    yield context
    context.close()


AT_REST = """async () => {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const finite = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(finite.map(({ finished }) => finished));
}"""
"""Django's links fade from one colour to the other, whatever one prefers."""


def is_at_rest(page: Page, url: str) -> bool:
    """Open a page. The statistics load themselves again while days are not counted yet."""
    answer = page.goto(url)
    assert answer is not None
    return "refresh" not in answer.headers


def violations(page: Page, within: str) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    page.evaluate(AT_REST)
    found = page.evaluate(
        "([within, values]) => axe.run(within, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] })",
        [within, TAGS],
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def assert_clean(page: Page, within: str = "html") -> None:
    """In every look: half of them in each language, all of them with EVERY_LOOK=1."""
    found: list[str] = []
    for scheme, width in LOOKS["" if EVERY_LOOK else page.evaluate("navigator.language")]:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}, {width} px: {violation}" for violation in violations(page, within)]
    assert not found, "\n".join(found)


def enter(page: Page, site: Stack, user: str = "demo", path: str = "/", password: str = "") -> None:
    page.goto(f"{site.site.url}/accounts/login/?next={path}")
    page.locator("[name=username]").fill(user)
    page.locator("[name=password]").fill(password or user)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@LANGUAGES
def test_the_login(page: Page, site: Stack, language: str) -> None:
    page.goto(f"{site.site.url}/")
    assert_clean(page)
    enter(page, site, password="wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert_clean(page)


@LANGUAGES
def test_the_upload_page_empty_and_with_uploads_in_every_state(
    page: Page, site: Stack, language: str, tmp_path: Path
) -> None:
    enter(page, site)
    expect(page.get_by_test_id("choose")).to_be_visible()
    assert_clean(page)
    (tmp_path / "note.txt").write_text("5 bytes")
    choose(page, tmp_path / "note.txt")
    expect(item(page, "completed")).to_have_count(1)
    choose(page, sparse(tmp_path / "too large.bin", MAX_SIZE + 1))
    expect(page.get_by_test_id("refusal")).to_have_count(1)
    throttle(page, 200_000)  # It shall not end while we look.
    choose(page, sparse(tmp_path / "paused.bin", MAX_SIZE, b"p"))
    expect(page.get_by_test_id("total-message")).to_be_visible()  # It moves the list while it comes.
    item(page, "uploading").get_by_test_id("pause").click()
    expect(item(page, "paused")).to_have_count(1)
    choose(page, sparse(tmp_path / "busy.bin", MAX_SIZE, b"b"))
    expect(item(page, "uploading")).to_have_count(1)
    expect(item(page, "uploading").get_by_test_id("item-figures")).to_contain_text("50.0 MB")
    await_costly(page)
    item(page, "uploading").get_by_test_id("cancel").click()
    expect(page.get_by_test_id("undo")).to_be_visible()
    assert_clean(page)


@LANGUAGES
def test_uploads_to_be_taken_up_again(page: Page, site: Stack, language: str, tmp_path: Path) -> None:
    enter(page, site)
    throttle(page, 200_000)
    choose(page, sparse(tmp_path / "left.bin", MAX_SIZE, b"l"))
    item(page, "uploading").get_by_test_id("pause").click()
    expect(item(page, "paused")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_test_id("unfinished-item").first).to_be_visible()
    assert_clean(page)


@pytest.fixture(scope="module")
def busy_site(site: Stack) -> Stack:
    """Something to see for those who administer."""
    with site.api() as api:
        asked = [
            {"destination": "default", "filename": f"film {n}.mp4", "size": size, "sign": 1}
            for n, size in enumerate([30_000_000, 5, 5, 30_000_000])
        ]
        whole, done, aborted, lost = api.post("uploads/batch/", json={"uploads": asked}).json()["uploads"]
        (part,) = whole["parts"]
        record = {"number": 1, "size": 8 << 20, "etag": deliver(part, bytes(8 << 20)).headers["ETag"]}
        api.post(f"uploads/{whole['id']}/parts/", json={"parts": [record]}).raise_for_status()
        deliver(done["parts"][0], b"12345")
        api.post(f"uploads/{done['id']}/complete/", json={}).raise_for_status()
        api.delete(f"uploads/{aborted['id']}/").raise_for_status()
        oss = site.oss()
        oss.abort(lost["bucket"], lost["key"], lost["upload_id"])
        oss.initiate(site.oss_server.bucket, "backups/by hand.tar")
        oss.close()
        assert api.post(f"uploads/{lost['id']}/complete/", json={}).status_code == httpx.codes.GONE
    return site


PAGES = {"statistics/": "#content-main", "multipart-uploads/": "#content-main",
         "multipart-uploads/?delimiter=/": "#content-main", "": "#result_list tbody"}  # fmt: skip
"""Of the admin, and what on them is ours."""


@LANGUAGES
def test_the_admin(page: Page, busy_site: Stack, language: str) -> None:
    enter(page, busy_site, "admin", ADMIN)
    for path, ours in PAGES.items():
        wait_until(lambda path=path: is_at_rest(page, busy_site.site.url + ADMIN + path), "all days to be counted")
        expect(page.locator(ours)).to_be_visible()
        assert_clean(page, ours)
    with page.expect_navigation():
        page.get_by_role("link", name="film 0.mp4").click()
    assert_clean(page, ".up-timeline")
    assert_clean(page, ".up-strip")


@LANGUAGES
def test_the_page_that_aborts(page: Page, busy_site: Stack, language: str) -> None:
    with busy_site.api() as api:
        api.post("uploads/", json={"destination": "default", "filename": "given up.mp4", "size": 5}).raise_for_status()
    enter(page, busy_site, "admin", f"{ADMIN}?q=given")
    page.locator("[name=_selected_action]").first.check()
    page.locator("select[name=action]").select_option("abort_uploads")
    with page.expect_navigation():
        page.locator("button[name=index]").click()
    assert_clean(page, "#content-main")
    page.locator(".up-danger").click()
    expect(page.locator(".up-bulk-abort[data-over]")).to_be_visible()
    wait_until(lambda: page.locator("progress").get_attribute("value") == "1", "the page to show the end")
    assert_clean(page, "#content-main")


# The keyboard alone

FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const name = at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent;
  return { name: name.trim(), seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 };
}"""


def tabbed(page: Page) -> list[str]:
    """What Tab reaches from the top of the page to its end; each must be seen to have the focus."""
    page.mouse.click(1, 1)
    names: list[str] = []
    while True:
        page.keyboard.press("Tab")
        focus: dict[str, Any] | None = page.evaluate(FOCUS)
        if focus is None or (names and focus["name"] == names[0]):
            return names
        assert focus["seen"], f"nobody sees that {focus['name']} has the focus"
        names.append(focus["name"])
        assert len(names) < 50, names


def test_the_keyboard_reaches_everything_on_the_login(page: Page, site: Stack) -> None:
    page.goto(f"{site.site.url}/")
    assert page.evaluate(FOCUS)["name"] == "User name", "one can begin to type at once"
    assert tabbed(page) == ["OSS Uploads", "简体中文", "User name", "Password", "Log in"]


def test_the_keyboard_reaches_everything_on_the_page(page: Page, site: Stack, tmp_path: Path) -> None:
    enter(page, site, "admin")
    throttle(page, 200_000)
    choose(page, sparse(tmp_path / "busy.bin", MAX_SIZE))
    expect(item(page, "uploading")).to_have_count(1)
    reached = tabbed(page)
    assert reached[:6] == ["OSS Uploads", "Admin", "API", "Log out admin", "简体中文", "Choose files"]
    assert len(reached) == len(set(reached))
    for control in page.locator("oss-uploader button:visible").all():
        assert (control.get_attribute("aria-label") or control.inner_text()) in reached


def test_a_language_is_chosen_by_keyboard_and_kept(page: Page, site: Stack) -> None:
    page.goto(f"{site.site.url}/")
    page.get_by_role("button", name="简体中文").focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    enter(page, site)
    expect(page.get_by_role("heading", name="上传文件")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Upload files")).to_be_visible()


def test_the_page_is_turned_round_for_those_who_read_from_the_right(page: Page, site: Stack) -> None:
    enter(page, site)
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.evaluate("document.documentElement.dir = 'rtl'")
    brand, links = page.locator(".brand").bounding_box(), page.locator(".bar-links").first.bounding_box()
    assert brand
    assert links
    assert brand["x"] > WIDE / 2 > links["x"] + links["width"]


# Room


@LANGUAGES
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_has_to_be_pushed_sideways(page: Page, busy_site: Stack, language: str, direction: str) -> None:
    """At 200 % and at 400 %, whichever way one reads."""
    enter(page, busy_site, "admin")
    for path in ("/", "/accounts/login/", f"{ADMIN}figures/", f"{ADMIN}at-oss/"):
        if "login" in path:
            page.context.clear_cookies(name="sessionid")
        page.goto(busy_site.site.url + path)
        page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
        for width in (ZOOMED, SMALLEST):
            page.set_viewport_size({"width": width, "height": 800})
            wide: list[str] = page.evaluate(
                """() => [...document.querySelectorAll("body *")].filter((element) => {
                  const { left, right, width } = element.getBoundingClientRect();
                  return width > 1 && (right > innerWidth + 1 || left < -1);
                }).map((element) => element.outerHTML.slice(0, 80))"""
            )
            scrolls = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not scrolls, (path, width, wide)
        if "login" in path:
            enter(page, busy_site, "admin")
