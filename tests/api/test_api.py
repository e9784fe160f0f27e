"""The HTTP API, as the contract writes it: shapes, ownership, problems."""

import logging
import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.middleware.csrf import _does_token_match
from django.template import engines
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests import http
from tests.django_fixtures import Place
from uploads.models import Part, Upload
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db

FIELDS = """
id state stage destination bucket key upload_id method filename relative_path content_type size size_limit part_size
part_count parts_done bytes_done addresses fingerprint metadata created_at updated_at expires_at completed_at etag crc64
location callback error
""".split()
FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000, "content_type": "video/mp4"}


@pytest.fixture
def created(api: APIClient, oss: OssClient) -> dict[str, Any]:
    answer = api.post("/api/uploads/", {**FILE, "fingerprint": "f1"}, format="json")
    assert answer.status_code == 201, answer.json()
    body: dict[str, Any] = answer.json()
    return body


def put_all(parts: list[dict[str, Any]], size: int, part_size: int) -> list[dict[str, Any]]:
    done = []
    for part in parts:
        length = min(part_size, size - (part["number"] - 1) * part_size)
        answer = http.request(part["method"], part["url"], content=bytes(length), headers=part["headers"])
        assert answer.status_code == 200, answer.text
        done.append({"number": part["number"], "etag": answer.headers["ETag"], "size": length})
    return done


def test_the_whole_journey(api: APIClient, oss: OssClient) -> None:
    created = api.post("/api/uploads/", {**FILE, "sign": 2}, format="json").json()
    assert list(created) == [*FIELDS, "parts", "server_time"]
    assert [part["number"] for part in created["parts"]] == [1, 2]
    assert list(created["parts"][0]) == ["number", "method", "url", "headers", "size", "expires_at"]
    base = f"/api/uploads/{created['id']}/"
    done = put_all(created["parts"], created["size"], created["part_size"])
    signed = api.post(f"{base}parts/sign/", {"parts": [{"number": 3}], "done": done}, format="json").json()
    assert list(signed) == ["parts", "server_time", "parts_done", "bytes_done"]
    assert (signed["parts_done"], signed["bytes_done"]) == (2, 2 * created["part_size"])
    done = put_all(signed["parts"], created["size"], created["part_size"])
    completed = api.post(f"{base}complete/", {"done": done}, format="json")
    assert completed.status_code == 200
    assert list(completed.json()) == FIELDS
    assert completed.json()["state"] == "completed"
    assert completed.json()["crc64"] == str(oss.head(created["bucket"], created["key"]).crc64)
    assert api.post(f"{base}complete/").json() == completed.json()
    problem = api.delete(base)
    assert (problem.status_code, problem.json()["code"]) == (409, "deletion_not_allowed")
    assert problem.json()["errors"] == {"state": ["completed"]}


def test_create_signs_no_more_parts_than_there_are(api: APIClient, oss: OssClient) -> None:
    created = api.post("/api/uploads/", {**FILE, "size": 5, "sign": 16}, format="json").json()
    assert created["method"] == "post"
    assert [(p["number"], p["method"], p["fields"]["key"]) for p in created["parts"]] == [(1, "POST", created["key"])]


@pytest.mark.parametrize(
    ("wanted", "method", "parts"), [(32 << 20, "post", 1), (300_000, "multipart", 67), (None, "multipart", 3)]
)
def test_parts_suit_a_line(api: APIClient, oss: OssClient, wanted: int | None, method: str, parts: int) -> None:
    wish = {} if wanted is None else {"part_size": wanted}
    created = api.post("/api/uploads/", {**FILE, **wish, "sign": 100}, format="json").json()
    assert (created["method"], created["part_count"], len(created["parts"])) == (method, parts, parts)
    batch = {"uploads": [{**FILE, **wish}]}
    (upload,) = api.post("/api/uploads/batch/", batch, format="json").json()["uploads"]
    assert (upload["method"], upload["part_count"]) == (method, parts)


def test_an_unfinished_upload_of_the_same_file_is_given_again(api: APIClient, created: dict[str, Any]) -> None:
    """One call finds what was begun, here or elsewhere, or begins it; a lost answer to it begins nothing twice."""
    file = {**FILE, "fingerprint": "f1", "sign": 2, "resume": True}
    again = api.post("/api/uploads/", file, format="json")
    assert (again.status_code, list(again.json()), again.json()["id"]) == (200, FIELDS, created["id"])
    for other in ({"fingerprint": "f2"}, {"fingerprint": ""}, {"size": 20_000_001}, {"filename": "another.mp4"}):
        new = api.post("/api/uploads/", {**file, **other}, format="json")
        assert (new.status_code, len(new.json()["parts"])) == (201, 2), other
    other_album = api.post("/api/uploads/", {**file, "metadata": {"album": "2"}}, format="json")
    assert other_album.status_code != 200

    stranger = APIClient()
    stranger.force_authenticate(get_user_model().objects.create_user("stranger"))
    assert stranger.post("/api/uploads/", file, format="json").status_code == 201
    api.delete(f"/api/uploads/{created['id']}/")
    assert api.post("/api/uploads/", file, format="json").status_code == 201


def test_an_unfinished_upload_with_other_options_is_another_one(api: APIClient, oss: OssClient, place: Place) -> None:
    place(client_options=["cache_control"], storage_class="IA")
    file = {**FILE, "metadata": {}, "fingerprint": "f1", "resume": True, "options": {"cache_control": "no-store"}}
    first = api.post("/api/uploads/", file, format="json").json()
    assert api.post("/api/uploads/", file, format="json").json()["id"] == first["id"]
    for options in ({}, {"cache_control": "no-cache"}):
        assert api.post("/api/uploads/", {**file, "options": options}, format="json").status_code == 201
    refused = api.post("/api/uploads/", {**file, "options": {"acl": "public-read"}}, format="json")
    assert (refused.status_code, list(refused.json()["errors"]["options"])) == (400, ["acl"])


def test_checkpoint_and_parts(api: APIClient, created: dict[str, Any]) -> None:
    base = f"/api/uploads/{created['id']}/parts/"
    parts = [{"number": 2, "etag": '"ab12"', "size": 8 << 20, "crc64": "18446744073709551615"}]
    assert api.post(base, {"parts": parts}, format="json").json() == {"parts_done": 1, "bytes_done": 8 << 20}
    held = {"number": 2, "size": 8 << 20, "etag": "AB12", "crc64": "18446744073709551615"}
    assert api.get(base).json() == {"parts": [held]}
    for unknown in ("", "row"):
        assert list(api.get(f"{base}?source={unknown}").json()["errors"]) == ["source"]
    assert api.get(f"{base}?source=oss").json() == {"parts": []}
    assert api.get(f"/api/uploads/{created['id']}/").json()["parts_done"] == 0


def test_a_checkpoint_without_etag_is_taken_where_cors_hides_it(api: APIClient, created: dict[str, Any]) -> None:
    for etag in ({}, {"etag": None}, {"etag": ""}):
        body = {"parts": [{"number": 1, "size": 8 << 20, **etag}]}
        assert api.post(f"/api/uploads/{created['id']}/parts/", body, format="json").status_code == 200


def test_abort_is_idempotent(api: APIClient, created: dict[str, Any]) -> None:
    base = f"/api/uploads/{created['id']}/"
    assert [api.delete(base).status_code for _ in range(2)] == [204, 204]
    assert api.get(base).json()["state"] == "aborted"
    problem = api.post(f"{base}parts/sign/", {"parts": [{"number": 1}]}, format="json")
    assert (problem.status_code, problem.json()["code"]) == (409, "wrong_state")


def test_missing_parts_are_a_problem_that_names_them(api: APIClient, created: dict[str, Any]) -> None:
    answer = api.post(f"/api/uploads/{created['id']}/complete/")
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:oss-uploads:problem:parts_missing",
        "title": "Not all parts have arrived",
        "status": 409,
        "detail": "3 of 3 parts are missing or wrong at OSS: send them again.",
        "code": "parts_missing",
        "errors": {"parts": [1, 2, 3]},
    }


def test_osss_code_and_request_id_reach_the_answer(api: APIClient, oss: OssClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_BUCKET": "no-such-bucket"}
    answer = api.post("/api/uploads/", FILE, format="json")
    assert (answer.status_code, answer.json()["code"]) == (502, "storage_refused")
    assert answer.json()["oss"]["code"] == "NoSuchBucket"
    assert len(answer.json()["oss"]["request_id"]) == 24


def test_storage_out_of_reach_says_when_to_try_again(api: APIClient, settings: Any) -> None:
    answer = api.post("/api/uploads/", FILE, format="json")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "storage_busy", "5")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": -1}, "size"),
        ({"size": "big"}, "size"),
        ({"size": 10**20}, "size"),
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 1025}, "filename"),
        ({"filename": "a\x00b"}, "filename"),
        ({"content_type": "video/mp4\r\nx-oss-acl: public"}, "content_type"),
        ({"content_type": "film"}, "content_type"),
        ({"metadata": {"a b": "c"}}, "metadata"),
        ({"metadata": {"a": "c\r\nd"}}, "metadata"),
        ({"metadata": {"a": "1", "A": "2"}}, "metadata"),
        ({"metadata": {"a": "é"}}, "metadata"),
        ({"sign": 1001}, "sign"),
        ({"destination": "elsewhere"}, "destination"),
        ({"filename": 5}, "filename"),
        ({"size": "5"}, "size"),
        ({"crc64": 0}, "crc64"),
        ({"resume": "yes"}, "resume"),
        ({"metadata": {"a": 1}}, "metadata"),
    ],
)
def test_a_hostile_create_is_refused_by_field(
    api: APIClient, oss: OssClient, change: dict[str, Any], field: str
) -> None:
    answer = api.post("/api/uploads/", {**FILE, **change}, format="json")
    assert answer.status_code == 400, answer.json()
    assert list(answer.json()["errors"]) == [field]
    assert answer.json()["detail"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    "part",
    [
        {"number": 0},
        {"number": 4},
        {"number": 10_001},
        {"number": "x"},
        {"number": 1, "size": 7},
        {"number": 1, "content_md5": "short"},
        {},
    ],
)
def test_a_hostile_part_is_not_signed(api: APIClient, created: dict[str, Any], part: dict[str, Any]) -> None:
    answer = api.post(f"/api/uploads/{created['id']}/parts/sign/", {"parts": [part]}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["parts"])


def test_more_than_a_thousand_parts_at_once_are_refused(api: APIClient, created: dict[str, Any]) -> None:
    body = {"parts": [{"number": 1}] * 1001}
    assert api.post(f"/api/uploads/{created['id']}/parts/sign/", body, format="json").status_code == 400


def test_malformed_json_is_a_problem(api: APIClient) -> None:
    answer = api.post("/api/uploads/", "{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("[]", 400, "invalid"),
        ("null", 400, "invalid"),
        ('"text"', 400, "invalid"),
        ("[" * 200_000 + "]" * 200_000, 400, "parse_error"),
        ('{"filename": "\\ud800.bin", "size": 1}', 400, "invalid"),
        ('{"filename": {"a": 1}, "size": NaN}', 400, "parse_error"),
        ('{"filename": "a", "size": 1, "metadata": [1]}', 400, "invalid"),
        ('{"filename": "a", "size": 1e400}', 400, "invalid"),
        ('{"filename": "' + "a" * (5 << 20) + '"}', 413, "body_too_large"),
    ],
    ids=["list", "null", "text", "deep", "surrogate", "NaN", "metadata", "infinite", "large"],
)
def test_a_hostile_body_is_a_problem(api: APIClient, body: str, status: int, code: str) -> None:
    answer = api.post("/api/uploads/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# Whose it is


def test_staff_with_the_permission_see_and_abort_all(created: dict[str, Any]) -> None:
    boss = get_user_model().objects.create_user("boss", is_staff=True)
    client, path = APIClient(), f"/api/uploads/{created['id']}/"
    client.force_authenticate(boss)
    assert client.get(path).status_code == client.delete(path).status_code == 404
    boss.user_permissions.set(Permission.objects.filter(codename__in=["view_upload", "abort_upload"]))
    client.force_authenticate(get_user_model().objects.get(pk=boss.pk))
    assert client.get(path).status_code == 200
    assert client.post(f"{path}parts/sign/", {"parts": [{"number": 1}]}, format="json").status_code == 404
    assert client.delete(path).status_code == 204
    assert Upload.objects.get().events.last().actor == boss


def test_a_token_is_a_login(user: Any) -> None:
    client = APIClient()
    token = client.post("/api/token/", {"username": "ann", "password": "ann"}, format="json").json()["token"]
    assert client.get("/api/uploads/", headers={"Authorization": f"Token {token}"}).status_code == 200


def test_a_session_needs_the_csrf_token(user: Any) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.login(username="ann", password="ann")
    assert client.post("/api/uploads/", FILE, format="json").json()["code"] == "csrf_failed"


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"CSRF_COOKIE_NAME": "anti-forgery"},
        {"CSRF_USE_SESSIONS": True},
        {"CSRF_COOKIE_HTTPONLY": True},
        {"CSRF_HEADER_NAME": "HTTP_X_ANTI_FORGERY"},
    ],
)
def test_the_api_gives_the_token_and_its_header_however_the_host_keeps_them(
    user: Any, settings: Any, oss: OssClient, kept: dict[str, Any]
) -> None:
    for name, value in kept.items():
        setattr(settings, name, value)
    client = APIClient(enforce_csrf_checks=True)
    client.login(username="ann", password="ann")
    assert client.post("/api/uploads/", FILE, format="json").json()["code"] == "csrf_failed"
    answer = client.get("/api/csrf/")
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    headers = {told["header"]: told["token"]}
    assert client.post("/api/uploads/", FILE, format="json", headers=headers).status_code == 201
    client.post("/accounts/logout/", {"csrfmiddlewaretoken": told["token"]}, format="multipart")
    login = {"username": "ann", "password": "ann", "csrfmiddlewaretoken": client.get("/api/csrf/").json()["token"]}
    assert client.post("/accounts/login/", login, format="multipart").status_code == 302
    rotated = client.post("/api/uploads/", FILE, format="json", headers=headers)
    assert rotated.json()["code"] == "csrf_failed", "a login makes the tokens of pages before it invalid"
    told = client.get("/api/csrf/").json()
    headers = {told["header"]: told["token"]}
    assert client.post("/api/uploads/", FILE, format="json", headers=headers).status_code == 201


def test_a_template_gives_the_element_its_token(settings: Any, client: Any) -> None:
    settings.CSRF_HEADER_NAME = "HTTP_X_ANTI_FORGERY"
    request = RequestFactory().get("/")
    page = engines["django"].from_string("{% load oss_uploads %}<oss-uploader {% uploads_csrf %}></oss-uploader>")
    given = re.search(r'csrf-token="(\w{64})" csrf-header="X-Anti-Forgery"', page.render({}, request))
    assert given
    assert _does_token_match(given[1], request.META["CSRF_COOKIE"])


# The list


def test_the_list_filters_and_pages(api: APIClient, begin: Any) -> None:
    for index in range(55):
        begin(5, fingerprint=f"f{index % 2}")
    page = api.get("/api/uploads/").json()
    assert (len(page["results"]), page["previous"]) == (50, None)
    assert len(api.get(page["next"]).json()["results"]) == 5
    assert len(api.get("/api/uploads/?fingerprint=f1&state=uploading&destination=default").json()["results"]) == 27
    assert api.get("/api/uploads/?state=completed").json()["results"] == []
    assert api.get("/api/uploads/?state=lost").status_code == 400
    stamps = [row["created_at"] for row in page["results"]]
    assert stamps == sorted(stamps, reverse=True)


def test_queries_do_not_grow_with_parts(api: APIClient, oss: OssClient) -> None:
    """Up to the most that a request may have, or that the database takes in one statement: SQLite may take fewer."""
    most = min(1000, connection.ops.bulk_batch_size(Part._meta.concrete_fields, [None] * 1000))

    def costs(size: int, count: int) -> list[int]:
        created = api.post("/api/uploads/", {**FILE, "size": size}, format="json").json()
        base = f"/api/uploads/{created['id']}/"
        done = [{"number": n + 1, "size": created["part_size"], "etag": "AA"} for n in range(count)]
        wanted = [{"number": part["number"]} for part in done]
        calls = [
            lambda: api.get("/api/uploads/"),
            lambda: api.get(base),
            lambda: api.post(f"{base}parts/sign/", {"parts": wanted}, format="json"),
            lambda: api.post(f"{base}parts/", {"parts": done}, format="json"),
        ]
        found = []
        for call in calls:
            with CaptureQueriesContext(connection) as captured:
                assert call().status_code == 200
            found.append(len(captured))
        return found

    assert costs(20_000_000, 2) == costs(80_000_000_000, most)


# Manners


def test_no_signed_url_and_no_secret_in_the_logs(
    api: APIClient, oss: OssClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    created = api.post("/api/uploads/", {**FILE, "sign": 3}, format="json").json()
    put_all(created["parts"], created["size"], created["part_size"])
    api.post(f"/api/uploads/{created['id']}/complete/")
    assert "x-oss-signature" not in caplog.text
    assert "demo-key-secret" not in caplog.text


def test_the_schema_and_its_pages_are_served(db: None) -> None:
    client = APIClient()
    assert client.get("/api/schema/").status_code == 200
    assert client.get("/api/docs/").status_code == 200
