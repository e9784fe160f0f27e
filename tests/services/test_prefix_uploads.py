"""Objects that clients stored with credentials for a prefix: each becomes an upload, or is removed with a record."""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DataError
from django.utils import timezone
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from tests.services.test_services import content_of, send
from tests.stack import ROOT
from uploads import services
from uploads.conf import settings as app_settings
from uploads.domain.errors import InvalidUpload, NotFoundError, NotOffered, ObjectMismatch, StorageBusy
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import ObjectRemoval, PrefixCredentials, Upload, UploadEvent
from uploads.oss.client import OssClient
from uploads.oss.errors import Denied, NotFound, OssError, Unreachable
from uploads.oss.signing import OssRequest
from uploads.services import prefix_search, prefix_uploads
from uploads.services.abort import release
from uploads.services.expired_credentials import undo_late_writes
from uploads.services.removals import sweep_removals
from uploads.services.sweep import sweep_prefixes

pytestmark = pytest.mark.django_db

IMAGE = {"Content-Type": "image/png"}
RULES = {"credentials": "prefix", "max_size": 1000, "content_types": ["image/*"]}


@pytest.fixture(autouse=True)
def role(oss: OssClient, oss_server: LocalServer, settings: Any) -> None:
    cache.clear()
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": oss_server.url}


@pytest.fixture
def place(place: Place) -> Place:
    """With keys of each test's own: all tests share one bucket."""
    key = f"{secrets.token_hex(4)}/{{user_id}}/{{uuid}}/{{filename}}"
    return lambda **values: place(**{"key": key, **values})


class Holder:
    """A client with credentials for a user's prefix."""

    def __init__(self, user: Any) -> None:
        issued = services.issue_prefix_credentials(user, "default")
        self.bucket, self.prefix = issued.bucket, issued.prefix
        self.client = OssClient(app_settings.endpoint, app_settings.region, issued.credentials)

    def put(self, name: str, content: bytes = b"x", headers: dict[str, str] = IMAGE) -> str:
        key = f"{self.prefix}{name}"
        self.client.put_object(self.bucket, key, content, headers)
        return key


Hold = Callable[[Any], Holder]


@pytest.fixture
def hold(settings: Any, role: None) -> Iterator[Hold]:
    holders: list[Holder] = []

    def hold(user: Any) -> Holder:
        holders.append(Holder(user))
        return holders[-1]

    yield hold
    for holder in holders:
        holder.client.close()


def swept() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in sweep_prefixes():
        found.setdefault(each.what, []).append(each.key)
    return found


def exists(oss: OssClient, key: str) -> bool:
    try:
        oss.head("demo-bucket", key)
    except NotFound:
        return False
    return True


def test_an_object_becomes_a_completed_upload_of_the_prefixs_owner(
    hold: Hold, user: Any, other_user: Any, place: Place, oss: OssClient
) -> None:
    place(**RULES)
    mine, theirs = hold(user), hold(other_user)
    first, second = mine.put("holiday/beach.png", b"abc"), theirs.put("b.png")
    found = swept()
    assert (list(found), set(found["registered"])) == (["registered"], {first, second}), "of two owners, in any order"
    upload = Upload.objects.get(key=first)
    assert (upload.owner, upload.state, upload.destination) == (user, "completed", "default")
    assert (upload.size, upload.content_type, upload.etag) == (3, "image/png", oss.head(mine.bucket, first).etag)
    assert (upload.filename, upload.relative_path) == ("beach.png", "holiday/beach.png")
    assert list(upload.events.values_list("name", flat=True)) == ["begin", "complete", "finish"]
    assert Upload.objects.get(key=second).owner == other_user
    assert swept() == {}


@pytest.mark.parametrize(
    ("name", "content", "headers", "code"),
    [
        ("a.png", bytes(1001), IMAGE, "too_large"),
        ("a.html", b"x", {"Content-Type": "text/html"}, "invalid"),
        ("gnp.\u202eexe", b"x", IMAGE, "invalid"),
        ("a*", b"x", IMAGE, "invalid"),
        ("x/../y.png", b"x", IMAGE, "invalid"),
        ("./y.png", b"x", IMAGE, "invalid"),
        ("..", b"x", IMAGE, "invalid"),
    ],
)
def test_an_object_that_breaks_a_rule_is_removed_with_a_record(
    hold: Hold, user: Any, place: Place, oss: OssClient, name: str, content: bytes, headers: dict[str, str], code: str
) -> None:
    place(**RULES)
    key = hold(user).put(name, content, headers)
    assert swept() == {"refused": [key]}
    assert not exists(oss, key)
    upload = Upload.objects.get(key=key)
    assert (upload.owner, upload.state, upload.error["code"]) == (user, "failed", code)
    assert upload.released_at is not None
    assert UploadEvent.objects.get(upload=upload, name="fail").detail["error"]["code"] == code
    assert swept() == {}


def test_an_object_whose_key_no_row_can_hold_is_removed(
    hold: Hold, user: Any, other_user: Any, place: Place, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses a text with NUL, also in a query and as the cursor of a search."""
    place(**RULES)
    mine, theirs = hold(user), hold(other_user)
    bad = [mine.put(f"a\0{number}.png") for number in range(3)]
    good, other = mine.put("b.png"), theirs.put("b.png")
    with pytest.raises(InvalidUpload):
        services.register(user, "default", bad.pop())
    monkeypatch.setattr(prefix_search, "MAX_LIST_PAGE", 1)
    monkeypatch.setattr(prefix_search, "MAX_PAGES", 1)
    done = [swept(), swept(), swept()]
    assert [key for each in done for key in each.get("refused", [])] == bad
    assert {key for each in done for key in each.get("registered", [])} == {good, other}
    assert [exists(oss, key) for key in bad] == [False, False]
    assert not Upload.objects.filter(state="failed").exists()


def test_what_fails_under_one_prefix_does_not_end_the_sweep(
    hold: Hold, user: Any, other_user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(**RULES)
    mine, theirs = hold(user), hold(other_user)
    bad, good = mine.put("a.png"), theirs.put("b.png")
    real = prefix_uploads.object_at_oss

    def broken(upload: Upload) -> Any:
        if upload.key == bad:
            raise DataError("no such text")
        return real(upload)

    monkeypatch.setattr(prefix_uploads, "object_at_oss", broken)
    assert swept() == {"failed": [mine.prefix], "registered": [good]}


@pytest.mark.parametrize(
    "headers",
    [
        {**IMAGE, "Content-Disposition": "inline"},
        {**IMAGE, "Content-Encoding": "gzip"},
        {**IMAGE, "x-oss-meta-a": "b"},
        {**IMAGE, "x-oss-storage-class": "IA"},
    ],
)
def test_an_object_with_properties_that_the_destination_does_not_give_is_removed(
    hold: Hold, user: Any, place: Place, oss: OssClient, headers: dict[str, str]
) -> None:
    place(**RULES)
    key = hold(user).put("a.png", b"x", headers)
    assert swept() == {"refused": [key]}
    assert not exists(oss, key)
    upload = Upload.objects.get(key=key)
    assert (upload.state, upload.error["code"]) == ("failed", "object_mismatch")


def test_an_appendable_object_is_removed(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    """It could grow after it was checked."""
    place(**RULES)
    holder = hold(user)
    key = f"{holder.prefix}a.png"
    query = [("append", ""), ("position", "0")]
    holder.client.call("AppendObject", OssRequest("POST", holder.bucket, key, query, IMAGE), b"x")
    with pytest.raises(ObjectMismatch, match="x-oss-object-type"):
        services.register(user, "default", key)
    assert not exists(oss, key)
    upload = Upload.objects.get(key=key)
    assert (upload.state, upload.error["code"]) == ("failed", "object_mismatch")


def test_nothing_is_public_unless_the_destination_says_so(
    hold: Hold, user: Any, other_user: Any, place: Place, oss: OssClient
) -> None:
    public = {**IMAGE, "x-oss-object-acl": "public-read"}
    place(**RULES, client_options=["acl"])
    mine = hold(user)
    for headers in (public, {**IMAGE, "x-oss-object-acl": "public-read-write"}):
        with pytest.raises(OssError, match="AccessDenied"):
            mine.put("a.png", b"x", headers)
    private = mine.put("b.png", b"x", {**IMAGE, "x-oss-object-acl": "private"})
    # Stored with the credentials of an earlier release, which could do so.
    oss.put_object(mine.bucket, f"{mine.prefix}c.png", b"x", public)
    assert swept() == {"refused": [private, f"{mine.prefix}c.png"]}
    place(**RULES, acl="public-read")
    theirs = hold(other_user)
    assert exists(oss, theirs.put("a.png", b"x", public))
    with pytest.raises(OssError, match="AccessDenied"):
        theirs.put("b.png", b"x", {**IMAGE, "x-oss-object-acl": "public-read-write"})


def test_properties_that_the_client_may_set_are_accepted(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    place(**RULES, client_options=["metadata", "tagging"], content_disposition="attachment")
    headers = {
        **IMAGE,
        "Content-Disposition": 'attachment; filename="a.png"',
        "x-oss-meta-a": "b",
        "x-oss-tagging": "c=d",
    }
    key = hold(user).put("a.png", b"x", headers)
    assert swept() == {"registered": [key]}
    upload = Upload.objects.get(key=key)
    assert (upload.metadata, upload.options["tagging"]) == ({"a": "b"}, {"c": "d"})


def test_parts_that_are_too_many_bytes_are_removed_as_well(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    place(**RULES)
    holder = hold(user)
    key = f"{holder.prefix}large.png"
    upload_id = holder.client.initiate(holder.bucket, key, IMAGE)
    part = holder.client.upload_part(holder.bucket, key, upload_id, 1, bytes(5000))
    holder.client.complete(holder.bucket, key, upload_id, [part])
    assert swept() == {"refused": [key]}
    assert not exists(oss, key)


def test_a_days_bytes_are_counted(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    place(credentials="prefix", max_bytes_per_user_per_day=2500)
    holder = hold(user)
    keys = [holder.put(f"{number}.bin", bytes(1000)) for number in range(4)]
    assert swept() == {"registered": keys[:2], "refused": keys[2:]}
    assert [exists(oss, key) for key in keys] == [True, True, False, False]
    assert {each.error["code"] for each in Upload.objects.filter(state="failed")} == {"over_quota"}


def test_after_its_credentials_a_refused_object_is_removed_and_a_registered_one_stays(
    hold: Hold, user: Any, place: Place, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(**RULES)
    holder = hold(user)
    good, bad = holder.put("good.png"), holder.put("bad.html", b"x", {"Content-Type": "text/html"})

    def silent(*_: Any, **__: Any) -> None:
        raise Unreachable("OSS did not answer.", sent=True)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "delete_object", silent)
        swept()
    assert (exists(oss, good), exists(oss, bad)) == (True, True)
    for upload in Upload.objects.filter(key__in=[good, bad]):
        assert upload.credentials_until
        undo_late_writes(upload)
        upload.refresh_from_db()
        assert upload.credentials_until is None
    assert (exists(oss, good), exists(oss, bad)) == (True, False)


@pytest.mark.parametrize("loss", ["permission", "inactive"])
def test_what_arrives_after_the_loss_of_the_permission_is_removed(
    hold: Hold, user: Any, place: Place, oss: OssClient, loss: str
) -> None:
    place(**RULES)
    key = hold(user).put("late.png")
    if loss == "permission":
        place(**RULES, permission="uploads.nobody_may")
    else:
        user.is_active = False
        user.save()
    assert swept() == {"refused": [key]}
    assert not exists(oss, key)
    assert Upload.objects.get(key=key).error["code"] == "forbidden"


def test_objects_of_others_are_left_alone(hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient) -> None:
    place(**{**RULES, "max_size": None, "content_types": ()})
    complete, open_one, post = begin(300_000), begin(300_000), begin(5)
    send(complete)
    services.complete(complete)
    oss.put_object("demo-bucket", "elsewhere.html", b"x")
    before = f"{hold(user).prefix}before.html"
    oss.put_object("demo-bucket", before, b"x")
    # As if the object were older than the credentials.
    PrefixCredentials.objects.update(since=timezone.now() + timedelta(minutes=1))
    place(**RULES)
    assert swept() == {}
    with pytest.raises(NotFoundError):
        services.register(user, "default", before)
    assert exists(oss, before)
    PrefixCredentials.objects.update(since=timezone.now() - timedelta(minutes=15))
    assert swept() == {"refused": [before]}
    assert exists(oss, complete.key)
    assert exists(oss, "elsewhere.html")
    assert {each.state for each in (Upload.objects.get(pk=one.pk) for one in (open_one, post))} == {"uploading"}
    assert Upload.objects.filter(state="completed").count() == 1


def ended(upload: Upload, how: str) -> None:
    """End the upload, as if all signatures for it had expired, and the sweep had looked again."""
    long_ago = timezone.now() - timedelta(days=1)
    if how == "deleted":
        send(upload)
        services.complete(upload)
        services.delete_object(upload)
        ObjectRemoval.objects.filter(upload=upload.pk).update(due_at=long_ago, look_until=long_ago)
        assert [what for what, *_ in sweep_removals(timezone.now())] == ["removed"]
        return
    services.abort(upload)
    Upload.objects.filter(pk=upload.pk).update(state=how, updated_at=long_ago)
    upload.refresh_from_db()
    release(upload)


@pytest.mark.parametrize("how", ["aborted", "failed", "deleted"])
def test_the_key_of_an_ended_upload_hides_no_object(
    hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient, how: str
) -> None:
    place(**RULES)
    bad, good = (begin(5, filename="a.png", content_type="image/png") for _ in range(2))
    for upload in (bad, good):
        ended(upload, how)
    mine = hold(user)
    # Those of the deleted upload: the object has its ETag.
    mine.client.put_object(mine.bucket, bad.key, content_of(bad), {"Content-Type": "text/html"})
    mine.client.put_object(mine.bucket, good.key, content_of(good), IMAGE)
    assert swept() == {"refused": [bad.key], "registered": [good.key]}
    assert (exists(oss, bad.key), exists(oss, good.key)) == (False, True)
    assert set(Upload.objects.filter(key=bad.key).values_list("state", flat=True)) == {how, "failed"}
    assert set(Upload.objects.filter(key=good.key).values_list("state", flat=True)) == {how, "completed"}
    assert swept() == {}


def test_the_bytes_of_a_completed_upload_with_another_type_are_refused(
    hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient
) -> None:
    """An image that is a page, too. The listing of the bucket does not show what has changed."""
    place(**RULES, forbid_overwrite=False)
    replaced, changed, untouched = (begin(5, filename="a.png", content_type="image/png") for _ in range(3))
    for upload in (replaced, changed, untouched):
        send(upload)
        services.complete(upload)
    mine = hold(user)
    mine.client.put_object(mine.bucket, replaced.key, content_of(replaced), {"Content-Type": "text/html"})
    mine.client.put_object(mine.bucket, changed.key, content_of(changed), {"Content-Type": "image/gif"})
    assert swept() == {"refused": [replaced.key]}
    assert [exists(oss, upload.key) for upload in (replaced, changed, untouched)] == [False, True, True]
    assert swept() == {}


def test_what_was_searched_before_is_not_asked_for_again(
    hold: Hold, begin: Begin, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(**RULES)
    upload = begin(5, filename="a.png", content_type="image/png")
    send(upload)
    services.complete(upload)
    hold(user)
    asked, head = [], OssClient.head

    def seen(client: OssClient, bucket: str, key: str, **options: Any) -> Any:
        asked.append(key)
        return head(client, bucket, key, **options)

    monkeypatch.setattr(OssClient, "head", seen)
    assert swept() == {}
    assert asked == [upload.key]
    PrefixCredentials.objects.update(searched_until=timezone.now() + timedelta(hours=1))
    assert swept() == {}
    assert asked == [upload.key]


def test_what_the_release_of_an_upload_removes_is_left_to_it(
    hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient
) -> None:
    place(**RULES)
    upload = begin(5, filename="a.png", content_type="image/png")
    services.abort(upload)
    mine = hold(user)
    mine.client.put_object(mine.bucket, upload.key, b"12345", IMAGE)
    assert swept() == {}
    release(upload)
    assert not exists(oss, upload.key)


@pytest.mark.parametrize("size", [5, 300_000])
@pytest.mark.parametrize(
    ("more", "headers"),
    [(1, IMAGE), (0, {"Content-Type": "text/html"}), (0, {**IMAGE, "Content-Encoding": "gzip"})],
)
def test_an_object_at_the_key_of_an_open_upload_ends_it(
    hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient, size: int, more: int, headers: dict[str, str]
) -> None:
    place(**{**RULES, "max_size": None})
    upload = begin(size, filename="a.png", content_type="image/png")
    mine = hold(user)
    mine.client.put_object(mine.bucket, upload.key, bytes(size + more), headers)
    assert swept() == {"refused": [upload.key]}
    assert not exists(oss, upload.key)
    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == ("failed", "object_mismatch")
    assert swept() == {}


def test_the_object_of_an_open_upload_completes_it(
    hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient
) -> None:
    """The client may report it afterwards: nothing is done twice."""
    place(**{**RULES, "max_size": None})
    first, second = (begin(size, filename="a.png", content_type="image/png") for size in (5, 300_000))
    mine = hold(user)
    mine.client.put_object(mine.bucket, first.key, bytes(5), IMAGE)
    assert swept() == {"adopted": [first.key]}
    assert services.complete(first).state == "completed"
    mine.client.put_object(mine.bucket, second.key, bytes(300_000), IMAGE)
    assert services.register(user, "default", second.key) == second
    assert services.complete(second).state == "completed"
    assert Upload.objects.count() == 2
    assert swept() == {}


def test_an_object_that_replaces_another_is_checked_again(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    place(**RULES)
    holder = hold(user)
    key = holder.put("a.png")
    assert swept() == {"registered": [key]}
    holder.put("a.png", b"y", {"Content-Type": "text/html"})
    assert swept() == {"refused": [key]}
    assert not exists(oss, key)


def test_the_search_is_bounded_and_continues_where_it_ended(
    hold: Hold, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(**RULES)
    holder = hold(user)
    keys = [holder.put(f"{number}.png") for number in range(5)]
    monkeypatch.setattr(prefix_search, "MAX_LIST_PAGE", 2)
    monkeypatch.setattr(prefix_search, "MAX_PAGES", 1)
    assert swept() == {"registered": keys[:2]}
    assert swept() == {"registered": keys[2:4]}
    assert swept() == {"registered": keys[4:]}


def test_a_search_that_fails_is_repeated(hold: Hold, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place(**RULES)
    key = hold(user).put("a.png")
    real = prefix_uploads.object_at_oss

    def away(upload: Upload) -> Any:
        raise StorageBusy(prefix_uploads.Phrase("away"))

    monkeypatch.setattr(prefix_uploads, "object_at_oss", away)
    assert list(swept()) == ["failed"]
    monkeypatch.setattr(prefix_uploads, "object_at_oss", real)
    assert swept() == {}  # Claimed.
    PrefixCredentials.objects.update(claimed_until=None)
    assert swept() == {"registered": [key]}


def as_in_the_manual(part: str, **replaced: str) -> None:
    """Run the one command of docs/operations.md for Django's shell that has this part."""
    section = (ROOT / "docs/operations.md").read_text().partition("## Temporary credentials\n")[2].partition("\n## ")[0]
    (command,) = [each for each in re.findall(r'manage\.py shell -c "(.*)"', section) if part in each]
    for old, new in replaced.items():
        assert old in command
        command = command.replace(old, new)
    call_command("shell", command=command, stdout=StringIO())


@pytest.mark.parametrize("renamed", [False, True])
def test_a_destination_that_was_not_in_the_settings_is_searched_again(
    hold: Hold, user: Any, place: Place, settings: Any, renamed: bool
) -> None:
    place(**RULES)
    stored = hold(user).put("a.png")
    expired = PrefixCredentials.objects.get().valid_until
    complete = settings.UPLOADS
    settings.UPLOADS = {**complete, "DESTINATIONS": {"other": {}}}
    assert swept() == {"failed": [PrefixCredentials.objects.get().prefix]}
    assert list(sweep_prefixes(now=expired + timedelta(days=29))) == [], "said for as long as there are credentials"
    settings.UPLOADS = complete
    if renamed:
        settings.UPLOADS = {**complete, "DESTINATIONS": {"pictures": complete["DESTINATIONS"]["default"]}}
        as_in_the_manual("update(destination=", films="default", movies="pictures")
    PrefixCredentials.objects.update(claimed_until=None)
    assert swept() == {"registered": [stored]}
    assert Upload.objects.get().destination == ("pictures" if renamed else "default")


def test_stricter_rules_delete_nothing_that_was_stored_by_the_old_ones(
    hold: Hold, user: Any, place: Place, settings: Any, oss: OssClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the manual: a new destination, and the old one without credentials until its search is over."""
    place(**RULES)
    holder = hold(user)
    kept = [holder.put("found.png"), holder.put("found.gif", headers={"Content-Type": "image/gif"})]
    assert set(swept()["registered"]) == set(kept)
    kept.append(holder.put("before.gif", headers={"Content-Type": "image/gif"}))
    old = settings.UPLOADS["DESTINATIONS"]["default"]
    strict = {**old, "content_types": ["image/png"]}
    new = {**strict, "key": f"{secrets.token_hex(4)}/{{user_id}}/{{uuid}}/{{filename}}"}
    without = {name: value for name, value in old.items() if name != "credentials"}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": without, "new": new}}
    kept.append(holder.put("after.gif", headers={"Content-Type": "image/gif"}))
    with pytest.raises(NotOffered):
        services.issue_prefix_credentials(user, "default")
    services.issue_prefix_credentials(user, "new")
    PrefixCredentials.objects.update(claimed_until=None)
    assert set(swept()["registered"]) == set(kept[2:])
    as_in_the_manual("unsearched()", films="default")
    assert capsys.readouterr().out.split()[-1] == "1"
    list(sweep_prefixes(now=PrefixCredentials.objects.get(destination="default").valid_until + timedelta(minutes=20)))
    as_in_the_manual("unsearched()", films="default")
    assert capsys.readouterr().out.split()[-1] == "0"
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {**without, **strict}, "new": new}}
    list(services.sweep(now=timezone.now() + timedelta(days=2)))
    assert all(exists(oss, key) for key in kept)
    assert set(Upload.objects.filter(key__in=kept).values_list("state", flat=True)) == {"completed"}


def test_stricter_rules_judge_what_no_sweep_has_found(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    """Why the manual asks for more than a change of the rules."""
    place(**RULES)
    stored = hold(user).put("a.gif", headers={"Content-Type": "image/gif"})
    place(**RULES, **{"key": f"{stored.partition('/')[0]}/{{user_id}}/{{uuid}}/{{filename}}", "permission": "x.y"})
    assert swept() == {"refused": [stored]}
    assert not exists(oss, stored)


def test_credentials_of_a_destination_that_is_gone_are_forgotten(
    hold: Hold, user: Any, place: Place, settings: Any
) -> None:
    place(**RULES)
    hold(user)
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {}}}
    assert list(sweep_prefixes(now=PrefixCredentials.objects.get().valid_until + timedelta(days=31))) == []
    assert not PrefixCredentials.objects.exists()


@pytest.fixture
def undescribed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Keys that OSS lists and does not describe, as without a permission for KMS, with the number of requests."""
    asked: dict[str, int] = {}
    real = OssClient.head

    def head(client: OssClient, bucket: str, key: str, **options: Any) -> Any:
        if key not in asked:
            return real(client, bucket, key, **options)
        asked[key] += 1
        raise Denied("You have no right to access this object.", status=403, code="AccessDenied")

    monkeypatch.setattr(OssClient, "head", head)
    return asked


def test_what_oss_did_not_describe_until_the_credentials_expired_is_found_later(
    hold: Hold, user: Any, place: Place, oss: OssClient, undescribed: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second half of the search, which another sweep makes, finds no such object."""
    place(**RULES)
    holder = hold(user)
    good, bad = holder.put("a.png"), holder.put("b.html", b"x", {"Content-Type": "text/html"})
    other = holder.put("c.png")
    undescribed.update({good: 0, bad: 0})
    PrefixCredentials.objects.update(valid_until=timezone.now() - timedelta(minutes=14, seconds=59))
    with monkeypatch.context() as patch:
        patch.setattr(prefix_search, "MAX_LIST_PAGE", 2)
        patch.setattr(prefix_search, "MAX_PAGES", 1)
        later = timezone.now() + timedelta(minutes=1)
        done = [[(each.what, each.key) for each in sweep_prefixes(now=later)] for _ in range(2)]
    assert done == [[("failed", good), ("failed", bad)], [("registered", other)]]
    undescribed.clear()
    done = [[(each.what, each.key) for each in sweep_prefixes(now=later)] for _ in range(2)]
    assert done == [[("registered", good), ("refused", bad)], []]
    assert (exists(oss, good), exists(oss, bad)) == (True, False)
    assert not PrefixCredentials.objects.due(later).exists()


def test_what_oss_never_describes_does_not_keep_the_search_for_ever(
    hold: Hold, user: Any, place: Place, undescribed: dict[str, int]
) -> None:
    place(**RULES)
    undescribed[hold(user).put("a.png")] = 0
    expired = PrefixCredentials.objects.get().valid_until
    for days, still_due in ((0, True), (1, True), (6, True), (8, False)):
        later = expired + timedelta(days=days, minutes=16)
        assert [each.what for each in sweep_prefixes(now=later)] == ["failed"]
        assert PrefixCredentials.objects.due(later).exists() == still_due


def test_only_what_was_refused_is_asked_for_again_after_the_credentials(
    hold: Hold, begin: Begin, user: Any, place: Place, oss: OssClient, undescribed: dict[str, int]
) -> None:
    """Nobody who has stored something since is a browser with these credentials."""
    place(**RULES)
    upload, holder = begin(5, filename="b.png", content_type="image/png"), hold(user)
    send(upload)
    services.complete(upload)
    site = f"{holder.prefix}of-the-site.html"
    oss.put_object("demo-bucket", site, b"x")
    undescribed.update({upload.key: 0, site: 0})
    # As if the credentials had expired two hours before.
    expired = timezone.now() - timedelta(hours=2)
    PrefixCredentials.objects.update(valid_until=expired, searched_until=expired + timedelta(minutes=15))
    assert swept() == {}
    assert undescribed == {upload.key: 0, site: 0}
    assert not PrefixCredentials.objects.due(timezone.now()).exists()


def test_a_crash_after_the_row_was_written_is_repaired(
    hold: Hold, user: Any, place: Place, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(**RULES)
    holder = hold(user)
    good, bad = holder.put("a.png"), holder.put("b.html", b"x", {"Content-Type": "text/html"})

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    for name in ("complete", "release"):
        with monkeypatch.context() as patch:
            patch.setattr(prefix_uploads, name, killed)
            with pytest.raises(Killed):
                swept()
        PrefixCredentials.objects.update(claimed_until=None)
        if name == "complete":
            assert Upload.objects.get(key=good).state == "uploading"
    assert Upload.objects.get(key=good).state == "completed"
    assert (Upload.objects.get(key=bad).state, exists(oss, bad)) == ("failed", True)
    Upload.objects.filter(key=bad).update(updated_at=timezone.now() - timedelta(hours=1))
    call_command("sweep_uploads", stdout=StringIO())
    assert (exists(oss, good), exists(oss, bad)) == (True, False)


def test_the_search_ends_some_time_after_the_credentials(hold: Hold, user: Any, place: Place) -> None:
    place(**RULES)
    hold(user)
    assert PrefixCredentials.objects.due(timezone.now()).count() == 1
    later = timezone.now() + timedelta(hours=2)
    assert list(sweep_prefixes(now=later)) == []
    assert PrefixCredentials.objects.due(later).count() == 0


def test_a_dry_run_changes_nothing(hold: Hold, user: Any, place: Place, oss: OssClient) -> None:
    place(**RULES)
    key = hold(user).put("a.html", b"x", {"Content-Type": "text/html"})
    assert [(each.what, each.key) for each in sweep_prefixes(dry_run=True)] == [("would be checked", key)]
    assert (exists(oss, key), Upload.objects.count()) == (True, 0)


def test_a_client_registers_its_object_at_once(
    hold: Hold, api: APIClient, user: Any, other_user: Any, place: Place, oss: OssClient
) -> None:
    place(**RULES)
    mine, theirs = hold(user), hold(other_user)

    def register(key: str) -> Any:
        return api.post("/api/uploads/register/", {"destination": "default", "key": key}, format="json")

    good, bad, foreign = mine.put("a.png"), mine.put("b.png", bytes(1001)), theirs.put("c.png")
    answer = register(good)
    assert (answer.status_code, answer.json()["state"], answer.json()["key"]) == (200, "completed", good)
    assert register(good).json() == answer.json()
    answer = register(bad)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not exists(oss, bad)
    assert Upload.objects.get(key=bad).state == "failed"
    assert [register(key).status_code for key in (bad, foreign, f"{mine.prefix}none", "elsewhere")] == [404] * 4
    place(credentials="upload")
    assert register(good).json()["code"] == "not_offered"
    api.force_authenticate(None)
    assert register(good).status_code in (401, 403)


@pytest.mark.parametrize("same_cache", [True, False])
def test_a_user_whose_data_was_erased_stores_and_registers_anew(
    hold: Hold, user: Any, place: Place, oss: OssClient, same_cache: bool
) -> None:
    """The site of the second case has restarted, or its cache has dropped the credentials."""
    place(**RULES)
    hold(user)
    services.erase_user(user.pk)
    if not same_cache:
        cache.clear()
    holder = hold(user)
    first, second = holder.put("first.png"), holder.put("second.png")
    assert services.register(user, "default", first).state == "completed"
    assert swept() == {"registered": [second]}
    assert swept() == {}
    assert exists(oss, first)
    assert exists(oss, second)
    assert set(Upload.objects.values_list("key", "owner")) == {(first, user.pk), (second, user.pk)}


def test_credentials_from_before_an_erasure_are_not_used_again(user: Any, settings: Any) -> None:
    """Another process erased the user, and the cache of this one still has them. Both destinations have the prefix."""
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"films": RULES, "music": RULES}}
    before = {name: services.issue_prefix_credentials(user, name).credentials for name in ("films", "music")}
    cached = cache.get_many([key.removeprefix(":1:") for key in cache._cache])
    services.erase_user(user.pk)
    cache.set_many(cached)
    for name, credentials in before.items():
        assert services.issue_prefix_credentials(user, name).credentials != credentials


def test_what_an_erased_user_stored_before_newer_credentials_is_removed(
    hold: Hold, user: Any, place: Place, oss: OssClient
) -> None:
    place(**RULES)
    holder = hold(user)
    old, unstorable = holder.put("old.png"), holder.put("old\0.png")
    services.erase_user(user.pk)
    hold(user)
    # As if the newer credentials were issued after the object was stored, and the clocks differed by nothing.
    PrefixCredentials.objects.filter(owner=user).update(since=timezone.now() + timedelta(minutes=1))
    assert swept() == {"removed": [unstorable, old]}
    assert not exists(oss, old)
    assert not exists(oss, unstorable)
    assert not Upload.objects.exists()


def test_a_removal_that_oss_refuses_is_said_by_the_sweep(
    hold: Hold, user: Any, place: Place, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(**RULES)
    key = hold(user).put("old.png")
    services.erase_user(user.pk)

    def away(*_: Any, **__: Any) -> Any:
        raise Unreachable("no answer", sent=True)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "delete_object", away)
        assert swept() == {"failed": [key]}
    assert exists(oss, key)
    call_command("sweep_uploads", stdout=StringIO())
    assert ObjectRemoval.objects.unremoved().filter(key=key).exists(), "the pause was not waited for"
    ObjectRemoval.objects.update(due_at=timezone.now())
    call_command("sweep_uploads", stdout=StringIO())
    assert not exists(oss, key)
