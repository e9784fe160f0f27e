"""Hostile and unlucky requests: each answer is a problem with a request id, none is HTML, and none has status 500."""

import base64
import json
import logging
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection
from django.db.models.expressions import RawSQL
from django.test import Client
from rest_framework import exceptions
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from tests.stack import deliver
from uploads import services
from uploads.api.requests import MAX_SIGNED
from uploads.domain.errors import from_storage
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import Refused
from uploads.oss.signing import PartRequest
from uploads.web.json_fields import MAX_WRONG
from uploads.web.problems import problem
from uploads.web.request_id import RequestIdFilter
from uploads.web.requests import MAX_METADATA

pytestmark = pytest.mark.django_db

FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000, "content_type": "video/mp4"}
SMALL = {**FILE, "size": 5}


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


def assert_problem(answer: Any, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.content[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.headers["X-Request-ID"]) >= 8
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    if code is not None:
        assert body["code"] == code
    return body


# Queries, paths and bodies


def cursor(**values: str) -> str:
    return base64.b64encode(urlencode(values).encode()).decode()


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "%00",
        cursor(p="no date"),
        cursor(p="2026-13-45T99:99"),
        cursor(p="\0"),
        cursor(p="0001-01-01T00:00:00+23:59"),
        cursor(p="0001-01-01 00:00:00+00:00"),
        cursor(p="9999-12-31 23:59:59-23:59"),
        cursor(p="9999-12-31 23:59:59+00:00", r="1"),
        cursor(p="2026-01-01 00:00:00"),
        cursor(p="2026-01-01"),
        cursor(p="9" * 5000),
        cursor(o="9" * 5000),
        cursor(r="9" * 5000),
        cursor(o="x"),
        cursor(o="-1"),
    ],
)
def test_malformed_cursors(api: APIClient, given: str) -> None:
    assert_problem(api.get("/api/uploads/", {"page": given}), 404, "not_found")
    folder = {"destination": "default", "folder": "x"}
    assert_problem(api.get("/api/uploads/folder/", {**folder, "page": given}), 404, "not_found")


@pytest.mark.parametrize("given", [cursor(o="9" * 4000), cursor(r="9" * 4000), cursor(p="2026-01-15 09:30:00+00:00")])
def test_a_cursor_that_could_have_been_made_here_is_a_page(api: APIClient, given: str) -> None:
    assert api.get("/api/uploads/", {"page": given}).json()["results"] == []


@pytest.mark.parametrize("number", [10**20, 10**400, 10**4000, -(10**30), 1e300])
def test_a_number_beyond_all_limits_is_refused(api: APIClient, begin: Begin, place: Place, number: float) -> None:
    place(client_options=["expires", "traffic_limit"])
    for upload in (begin(20_000_000), begin(None)):
        for path, body in (
            ("diagnose/", {"address": number}),
            ("parts/sign/", {"parts": [{"number": number}]}),
            ("parts/sign/", {"parts": [{"number": 1, "size": number}]}),
            ("parts/", {"parts": [{"number": number, "size": 5}]}),
            ("complete/", {"size": number}),
            ("complete/", {"callback": {"status": number}}),
        ):
            assert_problem(api.post(f"/api/uploads/{upload.pk}/{path}", body, format="json"), 400, "invalid")
    for body in ({"size": number}, {"sign": number}, {"part_size": number}, {"options": {"expires": number}}):
        assert_problem(api.post("/api/uploads/", {**FILE, **body}, format="json"), 400, "invalid")
    companion = api.post("/api/uppy/", {}, format="json").json()["companion_url"]
    query = f"?key={upload.key}"
    for path in (f"{number}{query}", f"batch{query}&partNumbers={number}"):
        assert api.get(f"{companion}s3/multipart/{upload.upload_id}/{path}").status_code in (400, 404)


@pytest.mark.parametrize("length", ["9" * 5000, "9" * 12, "\u00b2", "-1", "x"])
def test_a_callback_of_no_sensible_length(api: APIClient, length: str) -> None:
    answer = api.generic("POST", "/api/oss/callback/", b"", CONTENT_LENGTH=length)
    assert_problem(answer, 413, "body_too_large")


def test_a_nul_in_a_url_is_refused(api: APIClient) -> None:
    companion = api.post("/api/uppy/", {}, format="json").json()["companion_url"]
    for url in (
        "/api/uploads/?destination=%00",
        "/api/uploads/?fingerprint=a%00b",
        f"{companion}s3/multipart/a%00b?key=x",
        f"{companion}s3/multipart/x?key=a%00b",
    ):
        assert_problem(api.get(url), 400)
    assert_problem(api.get("/api/uppy/%00/s3/params"), 404)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_text_that_no_database_stores_is_refused_by_field(api: APIClient, place: Place, text: str) -> None:
    place(client_options=["metadata", "tagging"])
    for field, value in (
        ("filename", text),
        ("fingerprint", text),
        ("content_type", text),
        ("destination", text),
        ("metadata", {"a": text}),
        ("metadata", {text: "a"}),
        ("options", {"tagging": {text: "a"}}),
        ("options", {"tagging": [text]}),
        (text, "a"),
    ):
        body = json.dumps({**FILE, field: value})
        assert_problem(api.post("/api/uploads/", body, content_type="application/json"), 400, "invalid")
    assert Upload.objects.count() == 0


@pytest.mark.parametrize("path", ["token/", "uploads/", "uploads/batch/", "uppy/", "credentials/"])
@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100 + "1" + "}" * 100, "{", "\xff", "[[[[[", "1" * 5000])
def test_malformed_json(api: APIClient, path: str, body: str) -> None:
    assert_problem(api.post(f"/api/{path}", body.encode("latin-1"), content_type="application/json"), 400)


@pytest.mark.parametrize(
    "given",
    ["text/html\r\n; a=b", "text/html\n;a=b", 'text/html; a="\x01"', 'text/html; a="\x7f"', "text/html;\x0ba=b", "ä/b"],
)
def test_control_characters_in_a_content_type_are_refused(api: APIClient, given: str) -> None:
    body = assert_problem(api.post("/api/uploads/", {**FILE, "content_type": given}, format="json"), 400, "invalid")
    assert set(body["errors"]) == {"content_type"}


def test_a_content_type_may_have_parameters(api: APIClient, oss: OssClient) -> None:
    for given in ("text/html; charset=utf-8", 'multipart/x ;\tboundary="a b"'):
        assert api.post("/api/uploads/", {**FILE, "content_type": given}, format="json").status_code == 201


def test_unknown_fields_are_refused(api: APIClient, begin: Begin) -> None:
    upload = begin(20_000_000)
    own = f"uploads/{upload.pk}/"
    for path, body in (
        ("uploads/", {**FILE, "sizes": 1}),
        ("uploads/batch/", {"uploads": [FILE], "extra": 1}),
        ("uploads/batch/complete/", {"uploads": [{"id": str(upload.pk)}], "extra": 1}),
        (f"{own}parts/", {"parts": [], "extra": 1}),
        (f"{own}parts/", {"parts": [{"number": 1, "size": 5, "extra": 1}]}),
        (f"{own}parts/sign/", {"parts": [{"number": 1}], "extra": 1}),
        (f"{own}parts/sign/", {"parts": [{"number": 1, "extra": 1}]}),
        (f"{own}complete/", {"extra": 1}),
        (f"{own}complete/", {"done": [{"number": 1, "size": 5, "extra": 1}]}),
        ("credentials/", {"extra": 1}),
        ("uppy/", {"extra": 1}),
    ):
        told = assert_problem(api.post(f"/api/{path}", body, format="json"), 400, "invalid")
        assert "extra" in told["detail"] or "sizes" in told["detail"]
    results = api.post("/api/uploads/batch/", {"uploads": [{**SMALL, "extra": 1}, SMALL]}, format="json").json()
    assert [result.get("code", result.get("state")) for result in results["uploads"]] == ["invalid", "uploading"]


@pytest.mark.parametrize("wrong", [0, None, "x", [], {}, {"extra": 1}])
def test_many_wrong_parts_are_refused_in_few_words(api: APIClient, begin: Begin, wrong: Any) -> None:
    upload = begin(20_000_000)
    for path, field, most in (("parts/", "parts", 1000), ("parts/sign/", "parts", 1000), ("complete/", "done", 10_000)):
        answer = api.post(f"/api/uploads/{upload.pk}/{path}", {field: [wrong] * most}, format="json")
        told = assert_problem(answer, 400, "invalid")
        assert list(told["errors"][field]) == [str(index) for index in range(MAX_WRONG)]
        assert len(answer.content) < 5000
        answer = api.post(f"/api/uploads/{upload.pk}/{path}", {field: [wrong] * 100_000}, format="json")
        assert len(assert_problem(answer, 400, "invalid")["errors"][field]) == 1, "the list is refused, not its parts"
        assert len(answer.content) < 1000


def test_a_list_that_is_too_long_is_refused_before_its_items_are_read(
    api: APIClient, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any) -> None:
        raise AssertionError("an item was validated")

    upload = begin(20_000_000)
    monkeypatch.setattr("uploads.api.part_fields.DonePartSerializer.run_validation", read)
    monkeypatch.setattr("uploads.web.json_fields.TextField.run_validation", read)
    for path, body in (
        ("complete/", {"done": [0] * 10_001}),
        ("diagnose/", {"headers": [0] * 1000}),
    ):
        assert_problem(api.post(f"/api/uploads/{upload.pk}/{path}", body, format="json"), 400, "invalid")
    assert_problem(api.post("/api/uploads/batch/", {"uploads": [0] * 1000}, format="json"), 400, "invalid")


@pytest.mark.parametrize("field", ["metadata", "options"])
def test_many_wrong_entries_are_refused_in_few_words(api: APIClient, place: Place, field: str) -> None:
    place(client_options=["metadata", "tagging"])
    for names in (range(50_000), range(600), range(11)):
        for value in (5, "", "x"):
            body = {**SMALL, field: {f"{name}" + "ä" * 10: value for name in names}}
            answer = api.post("/api/uploads/", body, format="json")
            assert len(assert_problem(answer, 400, "invalid")["errors"][field]) <= 11
            assert len(answer.content) < 5000
    batch = {"uploads": [{**SMALL, field: {str(name): 5 for name in range(1000)}}] * 100}
    answer = api.post("/api/uploads/batch/", batch, format="json")
    assert {item["code"] for item in answer.json()["uploads"]} == {"invalid"}
    assert len(answer.content) < 100 * 1000


@pytest.mark.parametrize("name", ["x" * 100_000, "\ud800"])
@pytest.mark.parametrize("value", [5, "x"])
@pytest.mark.parametrize("field", ["metadata", "options"])
def test_a_name_is_quoted_as_far_as_people_read_it(
    api: APIClient, place: Place, field: str, name: str, value: Any
) -> None:
    place(client_options=["metadata"])
    body = json.dumps({**SMALL, field: {name: value}})
    answer = api.post("/api/uploads/", body, content_type="application/json")
    assert field in assert_problem(answer, 400, "invalid")["errors"]
    assert len(answer.content) < 1000


def test_metadata_may_have_as_many_entries_as_its_bytes_allow(api: APIClient, place: Place, oss: OssClient) -> None:
    place(client_options=["metadata"])
    metadata = {f"{number:03}": "x" for number in range(MAX_METADATA * 13 // 16)}
    answer = api.post("/api/uploads/", {**SMALL, "metadata": metadata}, format="json")
    assert (answer.status_code, len(answer.json().get("metadata", ()))) == (201, len(metadata))


def test_a_batch_signs_a_thousand_parts_at_most(api: APIClient, place: Place, oss: OssClient) -> None:
    large = {**FILE, "size": 10 << 30}

    def signed(*items: Any) -> Any:
        return api.post("/api/uploads/batch/", {"uploads": items}, format="json")

    told = assert_problem(signed(*[{**large, "sign": 1000}] * 100), 400, "invalid")
    assert "1000" in told["detail"]
    assert_problem(signed({**large, "sign": 600}, {**large, "sign": 600}), 400, "invalid")
    assert_problem(signed(*[{**FILE, "size": None, "sign": 600}] * 2), 400, "invalid")
    assert Upload.objects.count() == 0
    answer = signed(*[{**SMALL, "sign": 16}] * 100)
    assert sum(len(upload["parts"]) for upload in answer.json()["uploads"]) == 100 <= MAX_SIGNED


def test_no_answer_is_indented(api: APIClient, begin: Begin) -> None:
    begin(5)
    plain = api.get("/api/uploads/").content
    for indent in ("1", "8", "999999999", "x"):
        answer = api.get("/api/uploads/", headers={"Accept": f"application/json; indent={indent}"})
        assert (answer.status_code, answer.content) == (200, plain)


# What a client reports of a callback


@pytest.fixture
def stored(place: Place, begin: Begin) -> Upload:
    """Stored in one request by a destination with a callback, and not completed yet."""
    place(callback={"url": "https://x.example/api/oss/callback/"})
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert deliver(part, b"12345").status_code == 203, "nobody answers there"
    return upload


def assert_readable(api: APIClient, upload: Upload) -> None:
    """By the API and on the page of the admin."""
    assert api.get(f"/api/uploads/{upload.pk}/").status_code == 200
    assert api.get("/api/uploads/").status_code == 200
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("root"))
    page = admin.get(f"/admin/uploads/upload/{upload.pk}/change/")
    assert page.status_code == 200
    assert upload.key in page.content.decode()


def test_a_report_of_a_callback_that_no_database_stores_is_kept_as_text(api: APIClient, stored: Upload) -> None:
    deep = "[" * 17 + "]" * 17
    for body in ('"\\ud800"', '{"\\u0000": 1}', deep, "[" * 900 + "]" * 900, "[NaN]", "-Infinity", "1e999", "9" * 30):
        Upload.objects.filter(pk=stored.pk).update(callback=None)
        report = {"callback": {"status": 200, "body": body}}
        answer = api.post(f"/api/uploads/{stored.pk}/complete/", report, format="json")
        assert (answer.status_code, answer.json()["state"]) == (200, "completed"), body[:50]
        assert answer.json()["callback"] == {"ok": True, "body": body, "reported": True}
    assert_readable(api, stored)


@pytest.mark.parametrize(
    "body",
    ["a\ud800b", {"\ud800": 1}, [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]], 10**30],
    ids=["text", "name", "depth", "number"],
)
def test_a_report_that_an_earlier_version_stored_does_not_hide_the_upload(
    api: APIClient, stored: Upload, body: Any
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Other databases refuse such texts.")
    poisoned = json.dumps({"ok": True, "body": body, "reported": True})
    Upload.objects.filter(pk=stored.pk).update(callback=RawSQL("%s", [poisoned]))
    assert_readable(api, stored)
    shown = api.get(f"/api/uploads/{stored.pk}/").json()["callback"]
    assert shown == {"ok": True, "body": json.dumps(body), "reported": True}


# Below the site's routes, but in none of the app's views


@pytest.mark.parametrize("path", ["nowhere/", "uploads/x/", "uploads/1/parts/", "\u202e"])
def test_unknown_routes_below_the_api(api: APIClient, path: str) -> None:
    assert_problem(api.get(f"/api/{path}"), 404, "not_found")


def test_a_refused_host(client: Client) -> None:
    assert_problem(client.get("/api/uploads/", headers={"Host": "elsewhere.example"}), 400, "bad_request")
    assert client.get("/", headers={"Host": "elsewhere.example"}).headers["Content-Type"].startswith("text/html")


# What fails behind the API


@pytest.mark.parametrize("error", [OperationalError("connection to 10.0.0.7 refused"), InterfaceError("closed")])
def test_a_database_that_is_away(api: APIClient, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("uploads.models.UploadQuerySet.for_user", away)
    answer = api.get("/api/uploads/")
    told = assert_problem(answer, 503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "10.0.0.7" not in json.dumps(told)


def test_an_unexpected_error_is_logged_with_the_request_id(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("uploads.models.UploadQuerySet.for_user", broken)
    caplog.handler.addFilter(identified := RequestIdFilter())
    api.raise_request_exception = False
    try:
        answer = api.get("/api/uploads/", headers={"X-Request-ID": "0123-from.the_proxy"})
    finally:
        caplog.handler.removeFilter(identified)
    told = assert_problem(answer, 500, "internal_error")
    assert "0123-from.the_proxy" in told["detail"]
    assert "secret detail" not in json.dumps(told)
    (record,) = [record for record in caplog.records if record.exc_info]
    assert vars(record)["request_id"] == "0123-from.the_proxy"
    assert "ZeroDivisionError: a secret detail" in caplog.text
    assert {vars(record)["request_id"] for record in caplog.records} == {"0123-from.the_proxy"}


def test_the_exception_reaches_what_listens_for_it(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Error trackers, and Django's test client, hear it by `got_request_exception`."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("uploads.models.UploadQuerySet.for_user", broken)
    with pytest.raises(ZeroDivisionError):
        api.get("/api/uploads/")


@pytest.mark.parametrize("given", ["short", "a b c d e f", "x" * 65, "líne-líne", "a\tb345678"])
def test_a_malformed_request_id_is_replaced(api: APIClient, given: str) -> None:
    ours = api.get("/api/uploads/", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"]
    assert ours != given
    assert len(ours) == 32


def test_each_request_has_an_id_of_its_own(api: APIClient) -> None:
    assert len({api.get("/api/uploads/").headers["X-Request-ID"] for _ in range(3)}) == 3
    seen = RequestIdFilter()
    record = logging.LogRecord("x", logging.INFO, "", 1, "outside of requests", (), None)
    assert seen.filter(record)
    assert vars(record)["request_id"] == ""


def test_host_projects_need_not_set_an_exception_handler(api: APIClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}
    assert_problem(api.post("/api/uploads/", {}, format="json"), 400, "invalid")


class OddStatus(exceptions.APIException):
    status_code = 440
    default_detail = "Log in again."


def test_a_hosts_authentication_may_raise_what_it_likes(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is what djangorestframework-simplejwt raises for an expired token."""
    expired = exceptions.AuthenticationFailed()
    expired.detail = {  # type: ignore[assignment]
        "detail": exceptions.ErrorDetail("Given token not valid for any token type", "token_not_valid"),
        "code": exceptions.ErrorDetail("token_not_valid", "token_not_valid"),
        "messages": [{"token_class": "AccessToken", "token_type": "access", "message": "Token is expired"}],
    }
    body = problem(expired)
    assert (body["detail"], body["status"]) == ("Given token not valid for any token type", 401)
    assert "errors" not in body
    odd = problem(OddStatus())
    assert (odd["status"], odd["detail"], odd["title"]) == (440, "Log in again.", "Error")


# OSS's refusals of parts


@pytest.mark.parametrize(
    ("code", "fields", "numbers"),
    [
        ("EntityTooSmall", {"PartNumber": "2", "ETag": '"A"'}, [2]),
        ("InvalidPart", {"PartNumber": "7"}, [7]),
        ("InvalidPart", {}, []),
        ("InvalidPart", {"PartNumber": "x"}, []),
        ("InvalidPartOrder", {}, []),
    ],
)
def test_parts_that_oss_refuses(code: str, fields: dict[str, str], numbers: list[int]) -> None:
    error = from_storage(Refused("OSS's words", status=400, code=code, request_id="r", fields=fields))
    assert (error.status, error.code, error.errors) == (409, "parts_refused", {"parts": numbers})
    assert error.oss == {"code": code, "request_id": "r"}


def test_a_stream_with_a_small_part_in_the_middle(api: APIClient, begin: Begin) -> None:
    upload = begin(None)
    for number, size in ((1, 1000), (2, 200)):
        (part,) = services.sign_parts(upload, [PartRequest(number, size=size)])
        assert deliver(part, bytes(size)).status_code == 200
    answer = api.post(f"/api/uploads/{upload.pk}/complete/", {"size": 1200}, format="json")
    told = assert_problem(answer, 409, "parts_refused")
    assert told["errors"] == {"parts": [1]}
    assert told["oss"]["code"] == "EntityTooSmall"
