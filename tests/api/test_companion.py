"""Uppy's Companion routes: the shapes that Uppy 6 and 5 send and read, and the same rules as for our own client."""

import logging
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from tests import http
from tests.django_fixtures import Place
from tests.stack import deliver
from uploads import services
from uploads.companion import capability
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.signing import PartRequest
from uploads.web.redaction import RedactionFilter

pytestmark = pytest.mark.django_db

NAMES = {"filename": "film.mp4", "type": "video/mp4", "metadata": {"name": "film.mp4", "type": "video/mp4"}}


@pytest.fixture(autouse=True)
def fresh(oss: OssClient) -> None:
    cache.clear()


@pytest.fixture
def base(api: APIClient) -> str:
    answer = api.post("/api/uppy/", {"destination": "default"}, format="json")
    assert (answer.status_code, set(answer.json())) == (200, {"companion_url", "expires_at"})
    return urlsplit(answer.json()["companion_url"]).path + "s3/"


@pytest.fixture
def uppy() -> APIClient:
    """No login, no CSRF token: as Uppy 6 asks."""
    return APIClient(enforce_csrf_checks=True)


def begun(uppy: APIClient, base: str) -> tuple[str, dict[str, str]]:
    body = uppy.post(f"{base}multipart", NAMES, format="json").json()
    assert set(body) == {"key", "uploadId", "bucket"}
    return f"{base}multipart/{body['uploadId']}", {"key": body["key"]}


def send(uppy: APIClient, where: str, key: dict[str, str], sizes: list[int]) -> list[dict[str, Any]]:
    parts = []
    for number, size in enumerate(sizes, 1):
        signed = uppy.get(f"{where}/{number}", key).json()
        assert (set(signed), signed["headers"]) == ({"url", "headers", "expires"}, {})
        answer = http.put(signed["url"], content=bytes(size))
        parts.append({"PartNumber": number, "ETag": answer.headers["ETag"]})
    return parts


def test_a_large_file(uppy: APIClient, base: str, oss: OssClient, user: Any) -> None:
    where, key = begun(uppy, base)
    parts = send(uppy, where, key, [5 << 20, 5 << 20, 7])
    listed = uppy.get(where, key).json()
    assert listed == [{**part, "Size": size} for part, size in zip(parts, [5 << 20, 5 << 20, 7], strict=True)]
    done = uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts}, format="json")
    assert done.status_code == 200, done.json()
    assert set(done.json()) == {"location", "key", "bucket"}
    upload = Upload.objects.get()
    assert (upload.owner, upload.state, upload.size, upload.part_count) == (user, "completed", (10 << 20) + 7, 3)
    assert oss.head(upload.bucket, upload.key).size == upload.size


def test_a_part_that_is_sent_with_a_type_is_signed_for_it(uppy: APIClient, base: str) -> None:
    where, key = begun(uppy, base)
    signed = uppy.get(f"{where}/1", {**key, "type": "video/mp4"}).json()
    assert signed["headers"] == {"Content-Type": "video/mp4"}
    assert http.put(signed["url"], content=b"x", headers={"Content-Type": "text/html"}).status_code == 403
    assert http.put(signed["url"], content=b"x", headers=signed["headers"]).status_code == 200
    assert uppy.get(f"{where}/1", {**key, "type": "video/mp4\nx: y"}).status_code == 400


def test_parts_that_nobody_recorded_are_counted(uppy: APIClient, base: str) -> None:
    where, key = begun(uppy, base)
    parts = send(uppy, where, key, [5 << 20, 7])
    assert uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts}, format="json").status_code == 200
    assert Upload.objects.get().part_count == 2


def test_several_urls_at_once(uppy: APIClient, base: str) -> None:
    where, key = begun(uppy, base)
    urls = uppy.get(f"{where}/batch", {**key, "partNumbers": "1,2,7"}).json()["presignedUrls"]
    assert set(urls) == {"1", "2", "7"}
    assert http.put(urls["7"], content=b"x").status_code == 200
    for wrong in ("", "0", "a", "10001", ",".join(["1"] * 1001)):
        assert uppy.get(f"{where}/batch", {**key, "partNumbers": wrong}).status_code == 400


def test_no_get_begins_an_upload(uppy: APIClient, base: str) -> None:
    """Uppy asks for a form with GET, which any link can cause."""
    answer = uppy.get(f"{base}params", {"filename": "a b.txt", "type": "text/plain"}, headers={"Uppy-Versions": "5"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_offered")
    assert "shouldUseMultipart" in answer.json()["message"]
    for path in ("", "multipart", "multipart/x", "multipart/x/1", "multipart/x/batch", "multipart/x/complete"):
        uppy.get(f"{base}{path}")
    assert Upload.objects.count() == 0


def test_whoever_asks_for_a_form_that_nobody_reported_learns_that_it_has_arrived(api: APIClient, user: Any) -> None:
    names = ("arrived", "alone", "on its way")
    for name in names:
        upload = services.begin(user, services.UploadRequest("default", name, None, "text/plain", in_one=True))
        if name != names[2]:
            deliver(*services.sign_parts(upload, [PartRequest(1)]), b"hello")
    alone = Upload.objects.get(filename="alone")
    assert api.get(f"/api/uploads/{alone.pk}/").json()["state"] == "completed"
    Upload.objects.exclude(pk=alone.pk).update(updated_at=timezone.now() - timedelta(minutes=11))
    call_command("sweep_uploads", stdout=StringIO())

    def listed(state: str) -> set[str]:
        return {upload["filename"] for upload in api.get("/api/uploads/", {"state": state}).json()["results"]}

    assert listed("uploading") == {"on its way"}
    assert listed("completed") == {"arrived", "alone"}
    assert Upload.objects.get(filename="arrived").size == 5


def test_aborting(uppy: APIClient, base: str) -> None:
    where, key = begun(uppy, base)
    assert uppy.delete(f"{where}?key={key['key']}").json() == {}
    assert Upload.objects.get().state == "aborted"


def test_parts_that_oss_does_not_hold_so_are_named(uppy: APIClient, base: str) -> None:
    where, key = begun(uppy, base)
    parts = send(uppy, where, key, [5 << 20, 5])
    parts[1]["ETag"] = '"00000000000000000000000000000000"'
    parts.append({"PartNumber": 3, "ETag": "x"})
    answer = uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts}, format="json")
    assert (answer.status_code, answer.json()["errors"]) == (409, {"parts": [2, 3]})


def test_a_list_of_fewer_parts_than_oss_holds_is_refused(uppy: APIClient, base: str) -> None:
    where, key = begun(uppy, base)
    parts = send(uppy, where, key, [5 << 20, 5 << 20, 5])
    answer = uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts[:2]}, format="json")
    assert (answer.status_code, answer.json()["errors"]) == (409, {"parts": [3]})
    assert uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts}, format="json").status_code == 200


@pytest.mark.parametrize(
    ("sizes", "odd"),
    [([5 << 20, 6 << 20, 5], [2]), ([6 << 20, 5 << 20, 6 << 20], [2]), ([5 << 20, 6 << 20], [2])],
    ids=["larger", "smaller", "last"],
)
def test_a_file_taken_up_with_parts_of_another_size_is_refused(
    uppy: APIClient, base: str, sizes: list[int], odd: list[int]
) -> None:
    where, key = begun(uppy, base)
    parts = send(uppy, where, key, sizes)
    answer = uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts}, format="json")
    assert (answer.status_code, answer.json()["errors"]) == (409, {"parts": odd})
    assert Upload.objects.get().state == "uploading"


@pytest.mark.parametrize("body", [{}, {"parts": []}, {"parts": [{"PartNumber": "1", "ETag": "x"}]}, {"parts": [1]}, []])
def test_what_cannot_be_a_list_of_parts(uppy: APIClient, base: str, body: Any) -> None:
    where, key = begun(uppy, base)
    assert uppy.post(f"{where}/complete?key={key['key']}", body, format="json").status_code == 400


def test_what_is_wrong_is_named_by_field(uppy: APIClient, base: str, place: Place) -> None:
    place(client_options=["metadata"])
    for metadata in ({"a b": "c"}, "a", [], 0):
        answer = uppy.post(f"{base}multipart", {**NAMES, "metadata": metadata}, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["metadata"])
    where, key = begun(uppy, base)
    answer = uppy.get(f"{where}/1", {**key, "type": "film"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["type"])
    answer = uppy.get(f"{where}/batch", {**key, "partNumbers": "0"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["partNumbers"])


@pytest.mark.parametrize("kind", [[], {}, 0, False])
def test_a_type_that_is_no_text_is_refused(uppy: APIClient, base: str, kind: object) -> None:
    answer = uppy.post(f"{base}multipart", {**NAMES, "type": kind}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["content_type"])


def test_metadata_that_the_destination_does_not_allow_is_ignored(uppy: APIClient, base: str, place: Place) -> None:
    for allowed, kept in (([], {}), (["metadata"], {"album": "7"})):
        place(client_options=allowed)
        body = {**NAMES, "metadata": {"name": "film.mp4", "type": "video/mp4", "album": "7"}}
        key = uppy.post(f"{base}multipart", body, format="json").json()["key"]
        assert Upload.objects.get(key=key).metadata == kept


def test_limits_hold_here_too(uppy: APIClient, api: APIClient, place: Place) -> None:
    place(max_size=1000, content_types=["video/*"])
    base = urlsplit(api.post("/api/uppy/", {}, format="json").json()["companion_url"]).path + "s3/"
    assert uppy.post(f"{base}multipart", {**NAMES, "type": "text/html"}, format="json").status_code == 400
    where, key = begun(uppy, base)
    parts = send(uppy, where, key, [1001])
    assert uppy.post(f"{where}/complete?key={key['key']}", {"parts": parts}, format="json").status_code == 413


def test_an_address_is_one_users_for_one_destination(
    uppy: APIClient, base: str, other_user: Any, settings: Any
) -> None:
    where, key = begun(uppy, base)
    identifier = where.rpartition("/")[2]
    token, _ = capability.issue(other_user, "default")
    assert uppy.get(f"/api/uppy/{token}/s3/multipart/{identifier}", key).status_code == 404
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {}, "films": {}}}
    mine, _ = capability.issue(get_user_model().objects.get(username="ann"), "films")
    assert uppy.get(f"/api/uppy/{mine}/s3/multipart/{identifier}", key).status_code == 404
    assert uppy.get(where, {"key": "other"}).status_code == 404


def test_an_address_that_is_not_good(uppy: APIClient, base: str, user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = base.split("/")[3]
    for wrong in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "x",
        capability.signing.dumps({"user": "1"}, salt="x"),
    ):
        answer = uppy.post(f"/api/uppy/{wrong}/s3/multipart", NAMES, format="json")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["message"] == answer.json()["detail"], "Uppy 5 shows no other word"
    user.is_active = False
    user.save()
    assert uppy.post(f"{base}multipart", NAMES, format="json").status_code == 404
    user.is_active = True
    user.save()
    monkeypatch.setattr(capability, "LIFETIME", capability.timedelta(seconds=-1))
    assert uppy.post(f"{base}multipart", NAMES, format="json").status_code == 404


def test_the_address_itself_is_no_page(uppy: APIClient, base: str) -> None:
    assert uppy.get(base.removesuffix("s3/")).status_code == 404


def test_who_may_not_upload_gets_no_address(api: APIClient, place: Place) -> None:
    place(permission="uploads.nobody")
    assert api.post("/api/uppy/", {}, format="json").status_code == 403
    assert APIClient().post("/api/uppy/", {}, format="json").status_code == 401


# Capabilities end, and stand in no log


def test_capabilities_end_with_the_password(uppy: APIClient, base: str, user: Any) -> None:
    where, key = begun(uppy, base)
    user.set_password("another")
    user.save()
    assert uppy.get(where, key).status_code == 404
    assert uppy.post(f"{base}multipart", NAMES, format="json").status_code == 404


def test_capabilities_can_be_revoked(uppy: APIClient, api: APIClient, base: str, other_user: Any) -> None:
    theirs = APIClient()
    theirs.force_authenticate(other_user)
    kept = urlsplit(theirs.post("/api/uppy/", {}, format="json").json()["companion_url"]).path + "s3/"
    assert api.delete("/api/uppy/").status_code == 204
    assert uppy.post(f"{base}multipart", NAMES, format="json").status_code == 404
    assert uppy.post(f"{kept}multipart", NAMES, format="json").status_code == 200, "those of others remain"
    renewed = urlsplit(api.post("/api/uppy/", {}, format="json").json()["companion_url"]).path + "s3/"
    assert uppy.post(f"{renewed}multipart", NAMES, format="json").status_code == 200
    assert APIClient().delete("/api/uppy/").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["params", "multipart/x", "multipart/x/y", "multipart/x/0", "nowhere", "../", "..", "multipart/x/1?key=%00"],
)
def test_no_log_line_holds_a_capability(
    uppy: APIClient, base: str, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """With no filter of a handler: the host project has not to do anything."""
    token = base.split("/")[3]
    with caplog.at_level("DEBUG"):
        for send_request in (uppy.get, uppy.post, uppy.put):
            assert 400 <= send_request(f"{base}{path}").status_code < 500
    assert "/api/uppy/[redacted]" in caplog.text
    assert token not in caplog.text
    assert token not in "".join(str(vars(record)) for record in caplog.records)
    requests = [record.request for record in caplog.records if hasattr(record, "request")]
    assert all(token not in request.build_absolute_uri() for request in requests)


def test_what_a_server_logs_by_itself_is_redacted_by_the_sites_handler() -> None:
    redact = RedactionFilter()
    for message, arguments in (
        ('"GET %s HTTP/1.1" 404', ("/api/uppy/eyJ1c2:1w:ab-_/s3/params?x=1",)),
        ("Bad Request: /api/uppy/eyJ1c2:1w:ab-_", ()),
    ):
        record = logging.LogRecord("django.server", logging.WARNING, "", 1, message, arguments, None)
        assert redact.filter(record)
        assert "eyJ1" not in record.getMessage()
        assert "/uppy/[redacted]" in record.getMessage()
