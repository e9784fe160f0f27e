"""The admin with many uploads: its queries use indexes, their number does not grow, and counts end at a limit."""

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.admin import LIST, pages
from tests.bench.admin_rows import fill
from uploads.admin import counting, days, statistics
from uploads.models import Upload

ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL for its plans")
MANY = 20_000


@pytest.fixture
def admin(db: None) -> Client:
    cache.clear()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


@pytest.fixture
def many(transactional_db: None) -> None:
    fill(MANY)


def queries(admin: Client, path: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert admin.get(path).status_code == 200, path
    return [query["sql"] for query in captured.captured_queries]


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_no_page_scans_the_uploads(many: None, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that no index serves reads as many rows as there are."""
    monkeypatch.setattr(counting, "MAX_COUNTED", 100)
    monkeypatch.setattr(statistics, "MAX_FAILED", 100)
    read = {}
    for name, path in pages().items():
        if "multipart" in name or "last page" in name:  # It asks OSS; there are no more than two pages.
            continue
        for query in queries(admin, path):
            if '"uploads_' in query and query.startswith("SELECT"):
                read[name] = max(read.get(name, 0), rows_of(query))
    assert max(read.values()) < MANY / 3, sorted(read.items(), key=lambda item: -item[1])[:5]


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_the_search_reads_few_rows(many: None, admin: Client) -> None:
    """Each way to be found has its index."""
    upload = Upload.objects.filter(state="completed")[500]
    for term in (str(upload.pk), upload.upload_id, upload.filename.lower(), upload.key, upload.owner.get_username()):
        (query,) = [each for each in queries(admin, f"{LIST}?q={term}") if "COUNT(*)" in each]
        assert rows_of(query) < 200, term


def rows_of(query: str) -> int:
    """The rows that PostgreSQL reads to answer it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
        (plans,) = cursor.fetchone()
    return rows_read(plans[0]["Plan"])


def rows_read(plan: dict[str, Any]) -> int:
    filtered = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    inner = sum(map(rows_read, plan.get("Plans", [])))
    return int((plan["Actual Rows"] + filtered) * plan["Actual Loops"]) + inner


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(admin: Client, begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "BUDGET_SECONDS", 3600)
    begin(5)
    pages = [LIST, f"{LIST}?q=film", f"{LIST}?stalled=yes", f"{LIST}statistics/"]
    few = [len(queries(admin, page)) for page in pages]
    for number in range(20):
        begin(5, filename=f"film{number}.mp4")
    cache.clear()
    assert [len(queries(admin, page)) for page in pages] == few


@pytest.mark.django_db
def test_counts_end_at_a_limit(admin: Client, begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_COUNTED", 3)
    for _ in range(3):
        begin(5)
    page = admin.get(LIST)
    assert "3 uploads" in " ".join(page.content.decode().split())
    begin(5)
    text = " ".join(admin.get(LIST).content.decode().split())
    assert re.search(r"(more than|about) [\d,]+ uploads", text)
    assert "across all pages" not in text, "an action would reach uploads that are not counted"
    search = " ".join(admin.get(f"{LIST}?q=film").content.decode().split())
    assert "3 results" not in search


@pytest.mark.django_db
def test_the_search_finds_beginnings_and_whole_ids(admin: Client, begin: Any, other_user: Any) -> None:
    upload = begin(20_000_000, filename="Holiday in Österreich.mp4")
    begin(5, filename="other.mp4")

    def found(term: str) -> bool:
        return f"/{upload.pk}/" in admin.get(LIST, {"q": term}).content.decode()

    for term in ("Holiday", "Holiday in Ö", upload.key, upload.key[:30], str(upload.pk), upload.pk.hex, "ann",
                 upload.upload_id, f" {upload.filename} "):  # fmt: skip
        assert found(term), term
    for term in ("olida", "bob", upload.upload_id[:-1], "100%", "Holiday_"):
        assert not found(term), term
    if connection.vendor != "mysql":
        assert found("holiday IN")


@pytest.mark.django_db
def test_destinations_are_filtered_by_name(admin: Client, begin: Any) -> None:
    upload = begin(5)
    Upload.objects.filter(pk=begin(5, filename="old.mp4").pk).update(destination="gone")
    assert "old.mp4" not in admin.get(f"{LIST}?destination={upload.destination}").content.decode()
    assert "old.mp4" in admin.get(f"{LIST}?destination=gone").content.decode()


@pytest.mark.django_db
def test_the_statistics_are_counted_little_by_little(
    admin: Client, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit ends after its time, and the browser asks again until all days are counted."""
    begin(5)
    monkeypatch.setattr(days, "BUDGET_SECONDS", 0)
    for missing in range(28, 0, -1):
        page = admin.get(f"{LIST}statistics/")
        assert page.headers["Refresh"]
        assert f"not counted yet: {missing}<" in page.content.decode()
    page = admin.get(f"{LIST}statistics/")
    assert "Refresh" not in page.headers
    assert "maximum per day: 1" in page.content.decode()


@pytest.mark.django_db
def test_without_a_cache_the_statistics_do_not_ask_forever(admin: Client, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    for _ in range(31):
        page = admin.get(f"{LIST}statistics/")
    assert "Refresh" not in page.headers
