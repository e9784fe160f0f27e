"""Two places: two local OSS servers of different regions and keys. What concerns an upload reaches its place only."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tests import http
from tests.stack import deliver
from uploads import services
from uploads.conf import settings as app_settings
from uploads.connection import oss_client
from uploads.domain.errors import StorageRefused
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import PrefixCredentials, Upload
from uploads.operations.doctor import examine
from uploads.oss.browser import Page
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound
from uploads.oss.signing import OssRequest, PartRequest
from uploads.services import UploadRequest
from uploads.storage import OssStorage

pytestmark = pytest.mark.django_db

LARGE = 20_000_000
ORIGIN = "https://app.example.com"


class Servers(NamedTuple):
    hangzhou: LocalServer
    beijing: LocalServer


def arguments(region: str, bucket: str) -> list[str]:
    """Of a server with a key pair of its own, which also serves its bucket as http://localhost:<port>."""
    name = region.removeprefix("cn-")
    keys = ["--access-key-id", f"{name}-id", "--access-key-secret", f"{name}-secret"]
    return ["--region", region, "--bucket", bucket, *keys, "--cname", f"localhost={bucket}"]


def credentials(secret: str) -> dict[str, str]:
    """Of the server in Beijing."""
    return {"type": "access_key", "access_key_id": "beijing-id", "access_key_secret": secret}


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        hangzhou, beijing = arguments("cn-hangzhou", "site-hz"), arguments("cn-beijing", "films-bj")
        yield Servers(*(stack.enter_context(LocalServer(arguments=each)) for each in (hangzhou, beijing)))


@pytest.fixture(autouse=True)
def places(servers: Servers, settings: Any) -> dict[str, Any]:
    """The settings: the default place in Hangzhou, and `films` in Beijing, each with one destination."""
    cache.clear()
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_ENDPOINT": servers.hangzhou.url,
        "OSS_REGION": "cn-hangzhou",
        "OSS_BUCKET": "site-hz",
        "OSS_ACCESS_KEY_ID": "hangzhou-id",
        "OSS_ACCESS_KEY_SECRET": "hangzhou-secret",
        "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
        "OSS_STS_ENDPOINT": servers.hangzhou.url,
        "UPLOADS_ORIGINS": [ORIGIN],
        "BUCKETS": {
            "films": {
                "bucket": "films-bj",
                "endpoint": servers.beijing.url,
                "addressing": "path",
                "region": "cn-beijing",
                "credentials": credentials("beijing-secret"),
                "role": DEMO_ROLE.arn,
                "sts_endpoint": servers.beijing.url,
            }
        },
        "DESTINATIONS": {
            "default": {"credentials": "prefix"},
            "films": {"bucket": "films", "key": "films/{user_id}/{uuid}/{filename}", "credentials": "prefix"},
        },
    }
    return dict(settings.UPLOADS)


def client_at(name: str) -> OssClient:
    return oss_client(app_settings.place(name))


def exists(name: str, key: str) -> bool:
    place = app_settings.place(name)
    try:
        client_at(name).head(place.bucket, key)
    except NotFound:
        return False
    return True


def create(api: APIClient, destination: str, size: int, **more: Any) -> dict[str, Any]:
    asked = {"destination": destination, "filename": "film.mp4", "size": size, "content_type": "video/mp4", "sign": 100}
    answer = api.post("/api/uploads/", asked | more, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def send(created: dict[str, Any]) -> None:
    for part in created["parts"]:
        start = (part["number"] - 1) * created["part_size"]
        content = bytes(min(created["part_size"], created["size"] - start))
        answer = deliver(part, content)
        assert answer.status_code == 200, answer.text


def begin(user: Any, destination: str = "films", size: int = LARGE) -> Upload:
    return services.begin(user, UploadRequest(destination, "film.mp4", size, "video/mp4"))


# The journey


@pytest.mark.parametrize("size", [LARGE, 1000], ids=["parts", "form"])
def test_an_upload_goes_to_the_place_of_its_destination(api: APIClient, servers: Servers, size: int) -> None:
    for destination, bucket, server, region, other in (
        ("default", "site-hz", servers.hangzhou, "cn-hangzhou", "films"),
        ("films", "films-bj", servers.beijing, "cn-beijing", ""),
    ):
        created = create(api, destination, size)
        assert created["bucket"] == bucket
        assert all(part["url"].startswith(f"{server.url}/{bucket}") for part in created["parts"])
        signed = created["parts"][0]
        names = signed.get("fields") or dict(httpx.URL(signed["url"]).params)
        assert f"/{region}/oss/" in names["x-oss-credential"]
        send(created)
        done = api.post(f"/api/uploads/{created['id']}/complete/", {}, format="json").json()
        assert (done["state"], done["location"]) == ("completed", f"{server.url}/{bucket}/{created['key']}")
        upload = Upload.objects.get(pk=created["id"])
        assert http.get(upload.url(60)).content == bytes(size)
        with upload.open() as file:
            assert len(file.read()) == size
        assert not exists(other, created["key"])


def test_uppy_sends_to_the_place(api: APIClient, servers: Servers) -> None:
    given = api.post("/api/uppy/", {"destination": "films"}, format="json").json()["companion_url"]
    base, uppy = f"{urlsplit(given).path}s3/multipart", APIClient()
    body = uppy.post(base, {"filename": "film.mp4", "type": "video/mp4"}, format="json").json()
    assert body["bucket"] == "films-bj"
    where, key = f"{base}/{body['uploadId']}", {"key": body["key"]}
    signed = uppy.get(f"{where}/1", key).json()
    assert signed["url"].startswith(f"{servers.beijing.url}/films-bj/")
    parts = [{"PartNumber": 1, "ETag": http.put(signed["url"], content=b"film").headers["ETag"]}]
    done = uppy.post(f"{where}/complete?key={body['key']}", {"parts": parts}, format="json").json()
    assert done["location"] == f"{servers.beijing.url}/films-bj/{body['key']}"


def test_a_file_by_put_goes_to_the_place(user: Any, servers: Servers, places: dict[str, Any], settings: Any) -> None:
    films = {**places["DESTINATIONS"]["films"], "tagging": {"kind": "film"}}
    settings.UPLOADS = {**places, "DESTINATIONS": {"films": films}}
    upload = begin(user, size=5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert (part.method, part.url.startswith(f"{servers.beijing.url}/films-bj/")) == ("PUT", True)
    assert deliver(part, bytes(5)).status_code == 200
    assert services.complete(upload).state == "completed"


def test_temporary_credentials_are_those_of_the_place(api: APIClient, servers: Servers) -> None:
    created = create(api, "films", LARGE)
    issued = api.post(f"/api/uploads/{created['id']}/credentials/").json()
    own = api.post("/api/credentials/", {"destination": "films"}, format="json").json()
    for given in (issued, own):
        assert (given["endpoint"], given["region"], given["bucket"]) == (servers.beijing.url, "cn-beijing", "films-bj")
    place, upload = app_settings.place("films"), Upload.objects.get(pk=created["id"])
    request = services.issue_credentials(upload, upload.owner)
    with OssClient(place.endpoint, place.region, request.credentials) as browser:
        browser.upload_part("films-bj", upload.key, upload.upload_id, 1, b"x")
    with OssClient(
        place.endpoint, place.region, services.issue_prefix_credentials(upload.owner, "films").credentials
    ) as oss:
        oss.put_object("films-bj", f"{own['prefix']}own.bin", b"own", {"Content-Type": "text/plain"})
    registered = api.post(
        "/api/uploads/register/", {"destination": "films", "key": f"{own['prefix']}own.bin"}, format="json"
    )
    assert (registered.status_code, registered.json()["bucket"]) == (200, "films-bj")


def test_abort_deletion_and_the_sweep_work_at_the_place(user: Any, places: dict[str, Any], settings: Any) -> None:
    aborted, stale, deleted = begin(user), begin(user), begin(user, size=5)
    services.abort(aborted)
    Upload.objects.filter(pk=stale.pk).update(expires_at=timezone.now() - timedelta(days=1))
    (part,) = services.sign_parts(deleted, [PartRequest(1)])
    assert deliver(part, bytes(5)).status_code == 200
    services.complete(deleted)
    services.delete_object(deleted)
    list(services.sweep())
    left = {held.upload_id for held in client_at("films").all_uploads("films-bj", "films/")}
    assert left & {aborted.upload_id, stale.upload_id} == set()
    assert not exists("films", deleted.key)


def test_orphans_are_found_in_every_place() -> None:
    begun = {name: client_at(name).initiate(app_settings.place(name).bucket, f"{prefix}orphan") for name, prefix in
             (("", "uploads/"), ("films", "films/"))}  # fmt: skip
    later = datetime.now(UTC) + timedelta(hours=25)
    found = {swept.detail for swept in services.sweep_orphans(now=later) if swept.what == "orphan"}
    assert found >= set(begun.values())


def test_a_place_that_fails_does_not_stop_the_search_for_orphans(places: dict[str, Any], settings: Any) -> None:
    begun = client_at("").initiate("site-hz", "uploads/orphan")
    films = {**places["BUCKETS"]["films"], "credentials": credentials("wrong")}
    settings.UPLOADS = {**places, "BUCKETS": {"films": films}}
    with pytest.raises(StorageRefused, match="secret is wrong"):  # of "films", which comes before "site-hz"
        list(services.sweep_orphans(now=datetime.now(UTC) + timedelta(hours=25)))
    assert begun not in {held.upload_id for held in client_at("").all_uploads("site-hz", "uploads/")}


def test_a_staged_file_is_copied_within_its_place(user: Any, places: dict[str, Any], settings: Any) -> None:
    staged = {**places["DESTINATIONS"]["films"], "stage": True, "credentials": "upload"}
    settings.UPLOADS = {**places, "DESTINATIONS": {"films": staged}}
    upload = begin(user, size=5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(part, bytes(5))
    upload = services.complete(upload)
    assert (upload.state, exists("films", upload.final_key), exists("films", upload.staging_key)) == (
        "completed", True, False,
    )  # fmt: skip


def test_a_storage_may_be_in_a_place(servers: Servers) -> None:
    storage = OssStorage("films", "media/")
    storage.save("a.txt", io.BytesIO(b"abc"))  # type: ignore[arg-type]
    assert storage.url("a.txt").startswith(f"{servers.beijing.url}/films-bj/media/a.txt?")
    assert http.get(storage.url("a.txt")).content == b"abc"
    assert not exists("", "media/a.txt")


# For administrators


def test_both_buckets_are_configured_and_examined() -> None:
    call_command("configure_bucket", verbosity=0)
    for name in ("", "films"):
        place = app_settings.place(name)
        with Page(ORIGIN) as page:
            assert "etag" in page.exposed_headers(place.endpoint.url_of(place.bucket, "any"))
    findings = {finding.name: finding.level for finding in examine()}
    for name in ("credentials of site-hz", "credentials of films-bj (films)", "bucket site-hz",
                 "bucket films-bj (films)"):  # fmt: skip
        assert findings[name] == "ok"
    assert {"STS policy of site-hz", "STS policy of films-bj (films)"} <= findings.keys(), "both roles are examined"


BROKEN = {
    "secret": ({"credentials": credentials("wrong")}, "BUCKETS['films']['credentials']['access_key_secret']"),
    "bucket": ({"bucket": "not-there"}, "BUCKETS['films']['bucket']"),
    "endpoint": ({"endpoint": "http://127.0.0.1:9"}, "BUCKETS['films']['endpoint']"),
    "address for browsers": ({"public_endpoint": "http://127.0.0.1:9"}, "BUCKETS['films']['public_endpoint']"),
    "region": ({"region": "cn-shanghai"}, "BUCKETS['films']['region']"),
    "role": ({"role": "acs:ram::1000000000000001:role/nobody"}, "BUCKETS['films']['role']"),
}
"""What is changed in the place, and the setting whose name its cure has."""


@pytest.mark.parametrize("broken", BROKEN)
def test_the_doctor_names_the_settings_of_the_place(places: dict[str, Any], settings: Any, broken: str) -> None:
    call_command("configure_bucket", verbosity=0)
    change, named = BROKEN[broken]
    settings.UPLOADS = {**places, "BUCKETS": {"films": {**places["BUCKETS"]["films"], **change}}}
    (failed,) = [finding for finding in examine() if finding.level == "FAIL"]
    assert named in failed.cure, failed
    assert "OSS_" not in failed.cure


def test_the_api_names_the_settings_of_the_place(
    api: APIClient, user: Any, places: dict[str, Any], settings: Any
) -> None:
    upload = begin(user)
    films = {**places["BUCKETS"]["films"], "credentials": credentials("wrong")}
    settings.UPLOADS = {**places, "BUCKETS": {"films": films}}
    secret = BROKEN["secret"][1]
    for language, words in (("en", f"Correct {secret}."), ("zh-hans", secret)):
        asked = {"HTTP_ACCEPT_LANGUAGE": language}
        answer = api.post(f"/api/uploads/{upload.pk}/complete/", {}, format="json", **asked)
        assert answer.json()["oss"]["code"] == "SignatureDoesNotMatch"
        assert words in answer.json()["oss"]["cure"]
        told = api.post(f"/api/uploads/{upload.pk}/diagnose/", {}, format="json", **asked)
        assert words in told.json()["cure"]
    settings.UPLOADS = {**places, "OSS_ACCESS_KEY_SECRET": "wrong"}
    answer = api.post("/api/uploads/", {"filename": "a", "size": LARGE, "content_type": "text/plain"}, format="json")
    assert "OSS_ACCESS_KEY_SECRET" in answer.json()["oss"]["cure"]


def test_a_refused_role_is_told_with_the_name_of_its_setting(
    api: APIClient, user: Any, places: dict[str, Any], settings: Any
) -> None:
    films = {**places["BUCKETS"]["films"], "role": "acs:ram::1000000000000001:role/nobody"}
    settings.UPLOADS = {**places, "BUCKETS": {"films": films}}
    answer = api.post(f"/api/uploads/{begin(user).pk}/credentials/", {}, format="json")
    assert answer.json()["oss"]["code"] == "EntityNotExist.Role"
    assert "BUCKETS['films']['role']" in answer.json()["oss"]["cure"]


def test_a_place_that_refuses_is_named_and_the_other_one_examined(places: dict[str, Any], settings: Any) -> None:
    films = {**places["BUCKETS"]["films"], "credentials": credentials("wrong")}
    settings.UPLOADS = {**places, "BUCKETS": {"films": films}}
    findings = {finding.name: finding for finding in examine()}
    assert findings["credentials of films-bj (films)"].level == "FAIL"
    assert "bucket films-bj (films)" not in findings
    assert findings["bucket site-hz"].level == "ok"


def test_administrators_see_the_open_uploads_of_each_place(admin_client: Client, admin_user: Any) -> None:
    upload = begin(admin_user)
    for named in ("films", "films-bj"):
        page = admin_client.get("/api/open-uploads/", {"bucket": named}).json()
        assert page["bucket"] == "films-bj"
        assert upload.upload_id in {each["upload_id"] for each in page["uploads"]}
    listed = "/admin/uploads/upload/multipart-uploads/"
    assert upload.upload_id in admin_client.get(listed, {"bucket": "films"}).content.decode()
    chosen = {"bucket": "films", "selected": [f"{upload.upload_id}:{upload.key}"]}
    assert admin_client.post(f"{listed}?bucket=films", chosen).status_code == 302
    upload.refresh_from_db()
    assert upload.state == "aborted"


# Custom domains


def test_two_buckets_with_domains_of_their_own(
    api: APIClient, servers: Servers, places: dict[str, Any], settings: Any
) -> None:
    """With one endpoint for all, both buckets had the same URL: files of one destination went to the other bucket."""
    domains = [f"http://localhost:{server.port}" for server in servers]
    films = {**places["BUCKETS"]["films"], "endpoint": domains[1], "addressing": "cname"}
    settings.UPLOADS = {**places, "OSS_ENDPOINT": domains[0], "OSS_ADDRESSING": "cname", "BUCKETS": {"films": films}}
    for destination, domain in zip(("default", "films"), domains, strict=True):
        for size in (LARGE, 1000):
            created = create(api, destination, size)
            assert {part["url"].split("?")[0].removesuffix("/") for part in created["parts"]} <= {
                f"{domain}/{created['key']}", domain,
            }  # fmt: skip
            send(created)
            done = api.post(f"/api/uploads/{created['id']}/complete/", {}, format="json").json()
            assert (done["state"], done["location"]) == ("completed", f"{domain}/{created['key']}")


# A place that has left the settings


def removed(places: dict[str, Any], settings: Any) -> None:
    only = {"default": places["DESTINATIONS"]["default"]}
    settings.UPLOADS = {**places, "BUCKETS": {}, "DESTINATIONS": only}


def test_an_upload_whose_place_was_removed_has_one_clear_error(
    api: APIClient, user: Any, places: dict[str, Any], settings: Any
) -> None:
    upload, finished = begin(user), begin(user, size=5)
    removed(places, settings)
    answers = [
        api.post(f"/api/uploads/{upload.pk}/parts/sign/", {"parts": [{"number": 1}]}, format="json"),
        api.post(f"/api/uploads/{upload.pk}/complete/", {}, format="json"),
        api.get(f"/api/uploads/{upload.pk}/parts/?source=oss"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (502, "storage_refused")
        assert "where the bucket films-bj is" in answer.json()["detail"]
        assert "BUCKETS" in answer.json()["detail"]
    for call in (finished.url, finished.open):
        with pytest.raises(StorageRefused, match="films-bj"):
            call()
    assert api.get(f"/api/uploads/{upload.pk}/").status_code == 200, "the row can be read"


def test_the_sweep_goes_on_beside_a_place_that_was_removed(user: Any, places: dict[str, Any], settings: Any) -> None:
    lost, other = begin(user), begin(user, "default")
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=1))
    removed(places, settings)
    swept = {each.key: each for each in services.sweep()}
    assert swept[lost.key].what == "failed"
    assert "films-bj" in swept[lost.key].detail
    assert swept[other.key].what == "aborted"
    settings.UPLOADS = places
    Upload.objects.update(claimed_until=None)  # The pause after the failure is over.
    assert {each.key: each.what for each in services.sweep()}[lost.key] == "aborted", "nothing is lost"


def test_a_destination_that_moved_leaves_its_uploads_where_they_are(
    user: Any, places: dict[str, Any], settings: Any
) -> None:
    upload = begin(user, size=5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(part, bytes(5))
    settings.UPLOADS = {**places, "DESTINATIONS": {"films": {"key": "films/{user_id}/{uuid}/{filename}"}}}
    assert services.complete(upload).location.endswith(f"/films-bj/{upload.key}")
    assert begin(user, size=5).bucket == "site-hz"


def test_buckets_of_one_name_are_told_apart_by_the_destination(
    user: Any, servers: Servers, places: dict[str, Any], settings: Any
) -> None:
    twin = {**places["BUCKETS"]["films"], "bucket": "site-hz"}
    settings.UPLOADS = {**places, "BUCKETS": {"films": twin}}
    client_at("films").call("PutBucket", OssRequest("PUT", "site-hz"))
    first, second = begin(user, "default"), begin(user, "films")
    urls = [services.sign_parts(upload, [PartRequest(1)])[0].url for upload in (first, second)]
    assert urls[0].startswith(f"{servers.hangzhou.url}/site-hz/")
    assert urls[1].startswith(f"{servers.beijing.url}/site-hz/")
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {}}
    with pytest.raises(StorageRefused, match="or several do"):
        services.sign_parts(second, [PartRequest(1)])


def test_objects_are_copied_to_another_bucket_with_rows_of_their_own(user: Any, settings: Any) -> None:
    """As in docs/operations.md, "Another bucket"."""
    prefix = services.issue_prefix_credentials(user, "default").prefix
    keys = [f"{prefix}{name}" for name in ("a.png", "page.html")]
    for key in keys:
        client_at("").put_object(
            "site-hz", key, b"abc", {"Content-Type": "text/html" if "page" in key else "image/png"}
        )
    upload = begin(user, "default", 3)
    assert {each.what for each in services.sweep()} == {"registered"}
    moved = {"bucket": "films", "credentials": "prefix", "content_types": ["image/*"]}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {**settings.UPLOADS["DESTINATIONS"], "moved": moved}}
    client_at("").put_object("site-hz", upload.key, b"abc", {"Content-Type": "image/png"})
    for key in [*keys, upload.key]:
        found = client_at("").head("site-hz", key)
        content = client_at("").get_range("site-hz", key, 0, 3, found.etag)
        client_at("films").put_object("films-bj", key, content, {"Content-Type": found.content_type or ""})
    told = {(each.key, each.what) for each in services.reconcile(register=True)}
    assert {(keys[0], "registered"), (keys[1], "without a row"), (upload.key, "skipped")} <= told
    assert {(row.bucket, row.destination) for row in Upload.objects.filter(key=keys[0])} == {
        ("site-hz", "default"),
        ("films-bj", "moved"),
    }
    services.issue_prefix_credentials(user, "moved")
    told = {(each.key, each.what) for each in services.reconcile(register=True)}
    assert {pair for pair in told if pair[0] in keys} == {(keys[1], "to be deleted")}, "copied in the last 15 minutes"
    PrefixCredentials.objects.filter(destination="moved").update(since=timezone.now() + timedelta(seconds=1))
    list(services.sweep())
    assert all(exists("films", key) for key in keys)
