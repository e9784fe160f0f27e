"""What credentials of an ended upload left at OSS is removed once they have expired."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from tests.django_fixtures import Begin, Place
from tests.services.test_services import content_of, send
from uploads import services
from uploads.conf import settings as app_settings
from uploads.domain.errors import ObjectMismatch, PartsMissing
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound, OssError, Refused
from uploads.oss.signing import OssRequest

pytestmark = pytest.mark.django_db
SIZE = 300_000
RULES = {"credentials": "upload", "part_size": 102_400}


@pytest.fixture(autouse=True)
def role(oss: OssClient, oss_server: LocalServer, settings: Any) -> None:
    cache.clear()
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": oss_server.url}
    settings.UPLOADS["DESTINATIONS"] = {"default": RULES}


HolderOf = Callable[[Upload], OssClient]


@pytest.fixture
def holder_of(user: Any, role: None) -> Iterator[HolderOf]:
    """A client with the credentials of one upload."""
    clients: list[OssClient] = []

    def holder_of(upload: Upload) -> OssClient:
        issued = services.issue_credentials(upload, user)
        clients.append(OssClient(app_settings.endpoint, app_settings.region, issued.credentials))
        return clients[-1]

    yield holder_of
    for client in clients:
        client.close()


@pytest.fixture
def unprotected(begin: Begin, holder_of: HolderOf, settings: Any) -> tuple[Upload, OssClient]:
    """A completed upload whose object may be overwritten, and who still can."""
    settings.UPLOADS["DESTINATIONS"] = {"default": {**RULES, "forbid_overwrite": False}}
    upload = begin(SIZE)
    holder = holder_of(upload)
    send(upload)
    services.complete(upload)
    return upload, holder


def send_parts(holder: OssClient, upload: Upload, headers: dict[str, str]) -> None:
    """Make an object with the same bytes in the same parts, and so with the same ETag."""
    content, identifier = content_of(upload), holder.initiate(upload.bucket, upload.key, headers)
    starts = enumerate(range(0, len(content), upload.part_size), 1)
    done = [
        holder.upload_part(upload.bucket, upload.key, identifier, number, content[start : start + upload.part_size])
        for number, start in starts
    ]
    holder.complete(upload.bucket, upload.key, identifier, done)


def sweep_later(upload: Upload) -> str:
    """The sweep, as if all times of this upload were two hours ago."""
    upload.refresh_from_db()
    ago = timedelta(hours=2)
    names = ("updated_at", "released_at", "credentials_until")
    moved = {name: value - ago for name in names if (value := getattr(upload, name)) is not None}
    Upload.objects.filter(pk=upload.pk).update(**moved)
    out = StringIO()
    call_command("sweep_uploads", stdout=out)
    return out.getvalue()


def held(oss: OssClient, upload: Upload) -> tuple[bool, int]:
    """Whether there is an object at the upload's key, and the number of open multipart uploads there."""
    try:
        found = bool(oss.head(upload.bucket, upload.key))
    except NotFound:
        found = False
    return found, len(list(oss.all_uploads(upload.bucket, upload.key)))


@pytest.mark.parametrize("ended", ["aborted", "failed"])
def test_objects_and_parts_at_the_key_of_an_ended_upload_are_removed(
    begin: Begin, oss: OssClient, holder_of: HolderOf, ended: str
) -> None:
    upload = begin(SIZE)
    holder = holder_of(upload)
    if ended == "aborted":
        services.abort(upload)
    else:
        oss.abort(upload.bucket, upload.key, upload.upload_id)
        with pytest.raises(Exception, match="no longer has"):
            services.complete(upload)
    upload.refresh_from_db()
    assert upload.state == ended
    late = holder.initiate(upload.bucket, upload.key)
    holder.upload_part(upload.bucket, upload.key, late, 1, b"x")
    holder.put_object(upload.bucket, upload.key, b"late")
    call_command("sweep_uploads", stdout=StringIO())
    assert held(oss, upload) == (True, 1), "the credentials are still alive: it could come again"
    sweep_later(upload)
    assert held(oss, upload) == (False, 0)
    assert "searched" not in sweep_later(upload), "it is done once"


def test_a_completed_object_that_was_replaced_is_removed_if_it_breaks_a_rule(
    begin: Begin, oss: OssClient, holder_of: HolderOf, place: Place
) -> None:
    # A site that lets objects be overwritten.
    place(**RULES, max_size=SIZE, content_types=["video/*"], forbid_overwrite=False)
    untouched, replaced, allowed, larger = begin(SIZE), begin(SIZE), begin(SIZE), begin(SIZE)
    for upload in (untouched, replaced, allowed, larger):
        holder = holder_of(upload)
        send(upload)
        services.complete(upload)
        if upload is replaced:
            holder.put_object(upload.bucket, upload.key, b"<script>", {"Content-Type": "text/html"})
        if upload is allowed:
            holder.put_object(upload.bucket, upload.key, b"another", {"Content-Type": "video/mp4"})
        if upload is larger:
            holder.put_object(upload.bucket, upload.key, bytes(SIZE + 1), {"Content-Type": "video/mp4"})
    for upload in (untouched, replaced, allowed, larger):
        sweep_later(upload)
    assert [held(oss, upload)[0] for upload in (untouched, replaced, allowed, larger)] == [True, False, True, False]
    for upload, events in ((untouched, 0), (replaced, 1), (allowed, 1), (larger, 1)):
        told = [event.detail["error"] for event in upload.events.filter(name="replaced")]
        assert [one["code"] for one in told] == ["object_mismatch"] * events
        assert all(one["detail"] == "The object was replaced after the upload was completed." for one in told)
        upload.refresh_from_db()
        assert (upload.state, upload.credentials_until) == ("completed", None)


@pytest.mark.parametrize(
    ("headers", "stays"),
    [
        ({"Content-Type": "text/html"}, False),
        ({"Content-Disposition": "inline"}, False),
        ({"Content-Type": "video/webm"}, True),
        ({"Content-Disposition": 'attachment; filename="Holiday.mp4"', "Cache-Control": "no-store"}, True),
    ],
    ids=["forbidden type", "shown", "allowed type", "renamed"],
)
def test_the_same_bytes_that_a_browser_shows_in_another_way_are_removed(
    begin: Begin, oss: OssClient, holder_of: HolderOf, place: Place, headers: dict[str, str], stays: bool
) -> None:
    rules = {"content_types": ["video/*"], "content_disposition": "attachment", "forbid_overwrite": False}
    place(**RULES, **rules)
    upload, untouched = begin(SIZE), begin(SIZE)
    holder = holder_of(upload)
    holder_of(untouched)
    for each in (upload, untouched):
        send(each)
        services.complete(each)
    made = oss.head(upload.bucket, upload.key).headers
    same = {"Content-Type": made["content-type"], "Content-Disposition": made["content-disposition"]}
    send_parts(holder, upload, {**same, **headers})
    assert oss.head(upload.bucket, upload.key).etag == upload.etag
    for each in (upload, untouched):
        sweep_later(each)
    assert [held(oss, each)[0] for each in (upload, untouched)] == [stays, True]
    assert [each.events.filter(name="replaced").count() for each in (upload, untouched)] == [not stays, 0]


def test_the_name_of_a_download_may_be_changed_by_the_site(
    begin: Begin, oss: OssClient, holder_of: HolderOf, place: Place
) -> None:
    """A copy to itself: the ETag of an object in parts changes."""
    place(**RULES, forbid_overwrite=False)
    upload = begin(SIZE)
    holder_of(upload)
    send(upload)
    services.complete(upload)
    named = {"Content-Type": "video/mp4", "Content-Disposition": 'attachment; filename="Holiday.mp4"'}
    oss.copy_object(upload.bucket, upload.key, (upload.bucket, upload.key), upload.etag, named)
    sweep_later(upload)
    assert oss.head(upload.bucket, upload.key).headers["content-disposition"] == named["Content-Disposition"]


def test_only_the_staging_key_of_a_staged_upload_is_looked_at(
    begin: Begin, oss: OssClient, holder_of: HolderOf, place: Place
) -> None:
    """No browser can write the final key. What is there is the site's, which may convert its files."""
    place(**RULES, stage=True, content_types=["application/octet-stream"])
    upload = begin(SIZE, content_type="application/octet-stream")
    holder = holder_of(upload)
    send(upload)
    services.complete(upload)
    upload.refresh_from_db()
    assert upload.key == upload.final_key
    oss.put_object(upload.bucket, upload.key, b"<converted>", {"Content-Type": "video/webm"})
    own = oss.initiate(upload.bucket, upload.key)
    holder.initiate(upload.bucket, upload.staging_key)
    sweep_later(upload)
    assert held(oss, upload) == (True, 1)
    assert [each.upload_id for each in oss.all_uploads(upload.bucket, upload.key)] == [own]
    assert list(oss.all_uploads(upload.bucket, upload.staging_key)) == []
    assert not upload.events.filter(name="replaced").exists()


def test_an_object_of_another_type_is_removed_even_without_a_destination(
    unprotected: tuple[Upload, OssClient], oss: OssClient, settings: Any
) -> None:
    upload, holder = unprotected
    oss.delete_object(upload.bucket, upload.key)
    query = [("append", ""), ("position", "0")]
    holder.call("AppendObject", OssRequest("POST", upload.bucket, upload.key, query), b"x")
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {}}}
    sweep_later(upload)
    assert held(oss, upload) == (False, 0)
    assert upload.events.filter(name="replaced").count() == 1


@pytest.mark.parametrize(
    "answer",
    [
        NotFound("There is no target.", status=404, code="SymlinkTargetNotExist"),
        Refused("The target is a link.", status=400, code="InvalidTargetType"),
    ],
)
def test_a_symbolic_link_that_leads_nowhere_is_removed(
    begin: Begin, oss: OssClient, holder_of: HolderOf, monkeypatch: pytest.MonkeyPatch, answer: OssError
) -> None:
    """To no object, which may come later, or to another link: OSS describes neither."""
    done, sent = begin(SIZE), begin(None)
    for upload in (done, sent):
        holder_of(upload)
    send(done)
    services.complete(done)
    part = oss.upload_part(sent.bucket, sent.key, sent.upload_id, 1, b"x")
    oss.complete(sent.bucket, sent.key, sent.upload_id, [part])

    def head(*_: Any, **__: Any) -> Any:
        raise answer

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "head", head)
        with pytest.raises(ObjectMismatch, match="Symlink at OSS"):
            services.complete(sent, object_confirmed=True)
        sweep_later(done)
    assert [held(oss, upload) for upload in (done, sent)] == [(False, 0)] * 2


def test_without_its_destination_a_completed_object_has_no_rules(
    unprotected: tuple[Upload, OssClient], oss: OssClient, settings: Any
) -> None:
    upload, holder = unprotected
    holder.put_object(upload.bucket, upload.key, b"another", {"Content-Type": "text/html"})
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {}}}
    sweep_later(upload)
    assert held(oss, upload)[0]


def test_parts_of_another_size_than_planned_are_refused_at_completion(
    begin: Begin, holder_of: HolderOf, oss: OssClient, place: Place
) -> None:
    """The policy cannot express the size; the plan does."""
    place(**RULES, max_size=SIZE, content_types=["video/*"])
    upload = begin(SIZE)
    holder_of(upload).upload_part(upload.bucket, upload.key, upload.upload_id, 1, bytes(5_000_000))
    with pytest.raises(PartsMissing):
        services.complete(upload)
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    call_command("sweep_uploads", stdout=StringIO())
    upload.refresh_from_db()
    assert upload.state == "aborted"
    assert held(oss, upload) == (False, 0)


def test_a_plain_object_of_another_size_at_the_key_is_refused_and_removed(
    begin: Begin, holder_of: HolderOf, oss: OssClient
) -> None:
    upload = begin(SIZE)
    holder_of(upload).put_object(upload.bucket, upload.key, bytes(5_000_000))
    with pytest.raises(PartsMissing):
        services.complete(upload)
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    call_command("sweep_uploads", stdout=StringIO())
    upload.refresh_from_db()
    assert upload.state == "aborted"
    sweep_later(upload)
    assert held(oss, upload) == (False, 0)
