"""Staged uploads: cut off at every step, met by others, inspected, rejected, swept; only it writes final keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from tests.django_fixtures import Begin
from tests.services.test_completion import Killed, again, no_transaction_of_its_own
from tests.services.test_services import content_of, send
from tests.stack import deliver
from uploads import services
from uploads.domain import staging as rules
from uploads.domain.errors import NotOffered, Rejected, StorageBusy, UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload, UploadQuerySet
from uploads.oss.client import OssClient
from uploads.oss.crc64 import crc64
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Denied, NotFound, Unreachable
from uploads.oss.signing import OssRequest, PartRequest
from uploads.services import ClientReport, inspection, staging

pytestmark = pytest.mark.django_db

SIZE = 250_000
"""Three parts."""
HERE = "tests.services.test_staging"
FINAL = {
    "key": "films/{user_id}/{uuid}/{filename}",
    "stage": True,
    "part_size": 102_400,
    "acl": "public-read",
    "storage_class": "IA",
    "tagging": {"kind": "film"},
    "cache_control": "max-age=60",
    "content_disposition": "attachment",
    "client_options": ["metadata"],
}

seen: list[tuple[str, int]] = []
"""What the inspector below was shown: the key, and the number of bytes."""


def look(upload: Upload, open_file: Callable[[], Any]) -> None:
    """An inspector that reads the whole file."""
    with open_file() as file:
        content = file.read()
    seen.append((upload.staging_key, len(content)))
    if content.startswith(b"bad"):
        raise Rejected(Phrase("The file is bad."))


def fall_over(upload: Upload, open_file: Callable[[], Any]) -> None:
    raise RuntimeError("the scanner is away")


@pytest.fixture(autouse=True)
def staged(settings: Any) -> Callable[..., None]:
    """The default destination is staged; call it to change its settings."""

    def place(**values: Any) -> None:
        settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {**FINAL, **values}}}

    seen.clear()
    place(inspector=f"{HERE}.look")
    return place


def exists(oss: OssClient, upload: Upload, key: str) -> bool:
    try:
        oss.head(upload.bucket, key)
    except NotFound:
        return False
    return True


def is_whole(upload: Upload, oss: OssClient) -> None:
    """Completed, once, at the final key with the bytes that were sent; nothing is left below the staging prefix."""
    upload = again(upload)
    assert (upload.state, upload.stage, upload.key) == (State.COMPLETED, "", upload.final_key)
    assert upload.crc64 == str(crc64(content_of(upload)))
    found = oss.head(upload.bucket, upload.key)
    assert (found.etag, found.size) == (upload.etag, upload.size)
    assert (upload.bytes_done, upload.parts.count()) == (upload.size, 0)
    assert [event.name for event in upload.events.all()].count("finish") == 1
    assert not exists(oss, upload, upload.staging_key)
    assert list(oss.all_uploads(upload.bucket, upload.final_key)) == []


def complete(upload: Upload) -> Upload:
    """As a client does: call until it is done."""
    for _ in range(100):
        if services.complete(again(upload)).state == State.COMPLETED:
            break
    return again(upload)


# The way of a file


@pytest.mark.parametrize("size", [SIZE, 5])
def test_a_file_goes_from_the_staging_prefix_to_its_key(begin: Begin, oss: OssClient, size: int) -> None:
    upload = begin(size, metadata={"title": "x"})
    assert upload.key == upload.staging_key == f"staging/{upload.final_key}"
    send(upload)
    assert not exists(oss, upload, upload.final_key)
    complete(upload)
    is_whole(upload, oss)
    assert seen == [(upload.staging_key, size)]


def test_the_history_says_who_completed_it(begin: Begin, other_user: Any) -> None:
    upload = begin(5)
    send(upload)
    assert services.complete(upload, actor=other_user).state == State.COMPLETED
    last = upload.events.order_by("id").last()
    assert (last.name, last.actor) == ("finish", other_user)


def test_a_batch_leaves_to_the_next_call_what_takes_too_long(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file is worked at in any case."""
    first, second = begin(5), begin(5)
    for upload in (first, second):
        send(upload)
    monkeypatch.setattr(staging, "WORK_SECONDS", 0.0)
    monkeypatch.setattr(import_module("uploads.services.complete"), "monotonic", lambda: 0.0)
    services.complete_many([(first, ClientReport()), (second, ClientReport())])
    assert seen == [(first.staging_key, 5)]
    assert (again(second).state, again(second).stage) == (State.COMPLETING, "checking")


VOLATILE = {
    "date",
    "last-modified",
    "etag",
    "content-md5",
    "x-oss-request-id",
    "x-oss-server-time",
    "x-oss-object-type",
}
"""What depends on the time and on the number of parts."""


@pytest.mark.parametrize("size", [SIZE, 5])
def test_the_final_object_is_as_a_direct_upload_would_have_made_it(
    begin: Begin, oss: OssClient, staged: Callable[..., None], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def described(upload: Upload) -> tuple[dict[str, str], bytes, bytes]:
        def ask(method: str, *query: tuple[str, str]) -> Any:
            return oss.call("Describe", OssRequest(method, upload.bucket, upload.key, query))

        kept = {name: value for name, value in ask("HEAD").headers.items() if name not in VOLATILE}
        return kept, ask("GET", ("acl", "")).content, ask("GET", ("tagging", "")).content

    uploads = []
    for stage, threshold in ((False, 0), (True, rules.MAX_WHOLE_COPY), (True, 4)):
        staged(stage=stage)
        monkeypatch.setattr(rules, "MAX_WHOLE_COPY", threshold)
        upload = begin(size, metadata={"title": "x"})
        send(upload)
        uploads.append(described(complete(upload)))
    assert uploads[0] == uploads[1] == uploads[2]
    assert b"public-read" in uploads[0][1]
    assert b"film" in uploads[0][2]


def test_the_staged_object_is_private_and_can_be_read_at_once(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    send(upload)
    acl = oss.call("GetObjectAcl", OssRequest("GET", upload.bucket, upload.key, [("acl", "")])).content
    assert b"private" in acl
    headers = oss.call("HeadObject", OssRequest("HEAD", upload.bucket, upload.key)).headers
    assert headers["x-oss-storage-class"] == "Standard"


def test_a_large_file_is_copied_in_parts(begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_WHOLE_COPY", 1_000)
    monkeypatch.setattr(rules, "COPY_PART", 102_400)
    upload = begin(SIZE)
    send(upload)
    complete(upload)
    is_whole(upload, oss)
    assert again(upload).etag.endswith("-3")


# Crashes and rivals

STEPS: tuple[tuple[type, str], ...] = (
    (OssClient, "copy_object"),
    (OssClient, "initiate"),
    (OssClient, "upload_part_copy"),
    (OssClient, "complete"),
    (OssClient, "head"),
    (OssClient, "delete_object"),
    (UploadQuerySet, "update"),
)


@contextmanager
def at_step(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> Iterator[list[str]]:
    """`act` before or after the `number`-th of the steps that matter; yields the names of those that came by."""
    passed: list[str] = []
    acting = False

    def step(name: str) -> None:
        nonlocal acting
        if acting:
            return
        passed.append(name)
        if len(passed) == number + 1:
            acting = True
            with no_transaction_of_its_own():
                act()
            acting = False

    def wrapped(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            step(f"before {name}")
            result = real(*arguments, **named)
            step(f"after {name}")
            return result

        return call

    with monkeypatch.context() as patch:
        # One copy at a time, so that the steps come in one order.
        patch.setattr(staging, "COPIES_AT_ONCE", 1)
        for owner, name in STEPS:
            patch.setattr(owner, name, wrapped(getattr(owner, name), name))
        yield passed


def killed() -> None:
    raise Killed


def expire_claim(upload: Upload) -> None:
    """As if the claim of a process that was killed had expired."""
    Upload.objects.filter(pk=upload.pk).update(stage_claimed_until=timezone.now() - timedelta(seconds=1))


def claim(upload: Upload) -> None:
    """As if somebody was at it."""
    Upload.objects.filter(pk=upload.pk).update(stage_claimed_until=timezone.now() + timedelta(seconds=60))


def accepted(upload: Upload) -> Upload:
    """The object has arrived, and is not checked yet."""
    send(upload)
    claim(upload)
    assert services.complete(upload).stage == "checking"
    expire_claim(upload)
    return again(upload)


@pytest.fixture(params=["whole", "parts"])
def threshold(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The copy is one request, or three parts."""
    if request.param == "parts":
        monkeypatch.setattr(rules, "MAX_WHOLE_COPY", 1)
        monkeypatch.setattr(rules, "COPY_PART", 102_400)
    return str(request.param)


COPIED = 150_000


def test_killed_at_any_step_and_asked_again(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch, threshold: str
) -> None:
    number, cuts = 0, []
    while True:
        upload = begin(COPIED)
        send(upload)
        with at_step(monkeypatch, number, killed) as passed:
            try:
                services.complete(again(upload))
            except Killed:
                cuts.append(passed[-1])
            else:
                break
        expire_claim(upload)
        complete(upload)
        # A copy that was begun and not recorded is an orphan, for the sweep.
        for orphan in list(oss.all_uploads(upload.bucket, upload.final_key)):
            assert cuts[-1] in ("after initiate", "before update"), cuts[-1]
            oss.abort(upload.bucket, upload.final_key, orphan.upload_id)
        is_whole(upload, oss)
        number += 1
    copying = {"whole": {"copy_object", "complete"}, "parts": {"initiate", "upload_part_copy", "complete"}}[threshold]
    assert {cut.split()[1] for cut in cuts} == {"head", "delete_object", "update"} | copying


def test_another_caller_at_any_step_does_not_copy_too(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch, threshold: str
) -> None:
    number = 0
    while True:
        upload = begin(COPIED)
        send(upload)
        met = False

        def other(upload: Upload = upload) -> None:
            nonlocal met
            met = True
            services.complete(again(upload))

        seen.clear()
        with at_step(monkeypatch, number, other):
            services.complete(again(upload))
        complete(upload)
        is_whole(upload, oss)
        assert len(seen) == 1, "inspected once"
        if not met:
            break
        number += 1
    assert number >= 15


def test_a_slow_caller_that_lost_its_claim_stops(begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claim expired while it inspected; another caller has rejected the file meanwhile."""
    upload = begin(COPIED)
    send(upload)
    real = inspection.inspect
    verdicts: list[UploadError | None] = [Rejected(Phrase("The file is bad.")), None]

    def inspect(upload: Upload, *arguments: Any, **named: Any) -> UploadError | None:
        verdict = verdicts.pop()
        if verdict is None:
            expire_claim(upload)
            with pytest.raises(Rejected):
                services.complete(again(upload))
        return verdict

    monkeypatch.setattr(staging, "inspect", inspect)
    assert services.complete(upload).state == State.FAILED
    assert not exists(oss, upload, upload.final_key)
    assert real is inspection.inspect


@pytest.mark.parametrize("name", ["copy_object", "upload_part_copy", "complete", "initiate", "head", "delete_object"])
def test_every_answer_of_oss_may_be_lost(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name not in ("copy_object", "head", "delete_object"):
        monkeypatch.setattr(rules, "MAX_WHOLE_COPY", 1)
    upload = begin(5)
    send(upload)
    real, lost = getattr(OssClient, name), []

    def once(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        if not lost:
            lost.append(1)
            raise Unreachable("OSS did not answer.", sent=True)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, name, once)
        with pytest.raises(StorageBusy):
            services.complete(again(upload))
    complete(upload)
    for orphan in oss.all_uploads(upload.bucket, upload.final_key):
        assert name == "initiate"
        oss.abort(upload.bucket, upload.final_key, orphan.upload_id)
    is_whole(upload, oss)


def test_a_lost_answer_of_a_copy_that_must_not_replace(
    begin: Begin, oss: OssClient, staged: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    staged(forbid_overwrite=True)
    upload = begin(COPIED)
    send(upload)
    real, arrived = OssClient.head, []

    def blind(self: OssClient, bucket: str, key: str) -> Any:
        """The copy of an earlier call arrives just after the look."""
        try:
            return real(self, bucket, key)
        finally:
            if key == upload.final_key and not arrived:
                arrived.append(key)
                oss.copy_object(
                    bucket, key, (bucket, upload.staging_key), real(oss, bucket, upload.staging_key).etag, {}
                )

    monkeypatch.setattr(OssClient, "head", blind)
    services.complete(upload)
    monkeypatch.undo()
    is_whole(upload, oss)


# Time


def test_a_call_ends_in_time_and_the_next_continues(
    begin: Begin, oss: OssClient, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_WHOLE_COPY", 1)
    monkeypatch.setattr(rules, "COPY_PART", 102_400)
    upload = begin(1_000_000)
    send(upload)
    stages = []
    for _ in range(20):
        stages.append(services.complete(upload, seconds=0).stage)
        if upload.state == State.COMPLETED:
            break
        shown = api.get(f"/api/uploads/{upload.pk}/").json()
        assert (shown["state"], shown["stage"]) == ("completing", stages[-1])
    is_whole(upload, oss)
    assert stages == ["copying", "copying", "copying", ""], "four parts in each call"


def test_the_api_answers_202_while_it_works_and_200_at_the_end(
    begin: Begin, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(5)
    send(upload)
    claim(upload)
    answer = api.post(f"/api/uploads/{upload.pk}/complete/", {}, format="json")
    assert (answer.status_code, answer["Retry-After"], answer.json()["stage"]) == (202, "2", "checking")
    expire_claim(upload)
    answer = api.post(f"/api/uploads/{upload.pk}/complete/", {}, format="json")
    assert (answer.status_code, answer.json()["key"]) == (200, upload.final_key)


def test_the_sweep_continues_what_nobody_asks_for(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    send(upload)
    services.complete(upload, seconds=0)
    assert (upload.state, upload.stage) == (State.COMPLETING, "copying")
    assert [swept.what for swept in services.sweep()] == []
    later = timezone.now() + timedelta(minutes=11)
    assert [swept.what for swept in services.sweep(now=later)] == ["settled"]
    is_whole(upload, oss)


def test_a_batch_of_staged_files(begin: Begin, oss: OssClient) -> None:
    uploads = [begin(5), begin(COPIED), begin(5)]
    for upload in uploads:
        send(upload)
    results = services.complete_many([(upload, services.ClientReport()) for upload in uploads])
    assert [result.state for result in results if isinstance(result, Upload)] == [State.COMPLETED] * 3
    for upload in uploads:
        is_whole(upload, oss)


# Rejected


def put(upload: Upload, content: bytes) -> None:
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert deliver(part, content).status_code == 200


def is_rejected(upload: Upload, oss: OssClient, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        services.complete(again(upload))
    upload = again(upload)
    assert (upload.state, upload.error["code"], upload.stage) == (State.FAILED, "rejected", "")
    assert words in upload.error["detail"]
    assert not exists(oss, upload, upload.staging_key)
    assert not exists(oss, upload, upload.final_key)


def test_a_file_that_the_inspector_rejects(begin: Begin, oss: OssClient, api: APIClient) -> None:
    upload = begin(3)
    put(upload, b"bad")
    answer = api.post(f"/api/uploads/{upload.pk}/complete/", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "rejected")
    shown = api.get(f"/api/uploads/{upload.pk}/").json()
    assert (shown["state"], shown["error"]["code"], shown["error"]["detail"]) == (
        "failed", "rejected", "The file is bad.",
    )  # fmt: skip
    assert not exists(oss, upload, upload.staging_key)
    assert not exists(oss, upload, upload.final_key)


def test_content_of_another_type(begin: Begin, oss: OssClient, staged: Callable[..., None]) -> None:
    staged(content_types=["image/*"])
    page = b"<html><script>alert(1)</script></html>"
    upload = begin(len(page), content_type="image/png", filename="a.png")
    put(upload, page)
    is_rejected(upload, oss, "text/html")


def test_rules_that_became_stricter(begin: Begin, oss: OssClient, staged: Callable[..., None]) -> None:
    upload, other = begin(5), begin(5)
    send(upload)
    send(other)
    staged(max_size=4)
    is_rejected(upload, oss, "at most 4 bytes")
    staged(content_types=["image/*"])
    is_rejected(other, oss, "video/mp4")


def test_a_destination_that_is_gone_lets_nothing_through(begin: Begin, oss: OssClient, settings: Any) -> None:
    upload = begin(5)
    send(upload)
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {}}}
    is_rejected(upload, oss, "no longer exists")


def test_an_inspector_that_fails_lets_nothing_through_and_decides_nothing(
    begin: Begin, oss: OssClient, staged: Callable[..., None]
) -> None:
    staged(inspector=f"{HERE}.fall_over")
    upload = begin(5)
    send(upload)
    for _ in range(2):
        with pytest.raises(StorageBusy, match="cannot be inspected"):
            services.complete(again(upload))
        assert again(upload).stage == "checking"
        assert not exists(oss, upload, upload.final_key)
    staged(inspector=f"{HERE}.look")
    complete(upload)
    is_whole(upload, oss)


def test_bytes_that_were_replaced_after_the_inspection_are_not_copied(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(5)
    send(upload)
    real = staging.inspect

    def inspect(upload: Upload, *arguments: Any, **named: Any) -> UploadError | None:
        verdict = real(upload, *arguments, **named)
        oss.put_object(upload.bucket, upload.staging_key, b"EVIL!")
        return verdict

    monkeypatch.setattr(staging, "inspect", inspect)
    with pytest.raises(UploadError, match="replaced"):
        services.complete(upload)
    assert again(upload).state == State.FAILED
    assert not exists(oss, upload, upload.final_key)
    assert not exists(oss, upload, upload.staging_key)


def test_bytes_that_are_replaced_while_the_inspector_reads(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = accepted(begin(5))
    oss.put_object(upload.bucket, upload.staging_key, b"EVIL!")
    with pytest.raises(UploadError, match="replaced"):
        services.complete(upload)
    assert not exists(oss, upload, upload.final_key)


def test_a_staged_object_that_is_removed_ends_in_words(begin: Begin, oss: OssClient) -> None:
    upload = accepted(begin(5))
    oss.delete_object(upload.bucket, upload.staging_key)
    with pytest.raises(UploadError, match="staging prefix"):
        services.complete(upload)
    assert again(upload).error["code"] == "upload_gone"


# Who may write where


def test_everything_that_a_browser_is_given_names_staging_keys_only(
    begin: Begin, user: Any, oss_server: LocalServer, settings: Any, staged: Callable[..., None]
) -> None:
    cache.clear()
    settings.UPLOADS = {
        **settings.UPLOADS, "OSS_STS_ENDPOINT": oss_server.url, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
    }  # fmt: skip
    staged(credentials="upload")
    for upload in (begin(SIZE), begin(5)):
        for part in services.sign_parts(upload, [PartRequest(1), PartRequest(1, content_md5="x" * 24)]):
            where = part.fields.get("key") or part.url.partition(f"/{upload.bucket}/")[2]
            assert where.startswith("staging/"), where
    issued = services.issue_credentials(begin(SIZE), user)
    assert issued.key.startswith("staging/")
    with OssClient(Endpoint.parse(oss_server.url, "path"), "cn-hangzhou", issued.credentials) as client:
        with pytest.raises(Denied):
            client.put_object(issued.bucket, issued.key.removeprefix("staging/"), b"x")
        client.put_object(issued.bucket, issued.key, b"x")


def test_clients_that_begin_uploads_themselves_get_no_credentials(
    user: Any, oss: OssClient, settings: Any, staged: Callable[..., None]
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn}
    staged(credentials="prefix")
    with pytest.raises(NotOffered):
        services.issue_prefix_credentials(user, "default")


def test_the_sweep_removes_what_a_url_wrote_after_the_end(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert deliver(part, content_of(upload)).status_code == 200
    complete(upload)
    assert deliver(part, b"EVIL!").status_code == 200, "the form is valid for some minutes yet"
    assert oss.head(upload.bucket, upload.final_key).crc64 == crc64(content_of(upload))
    later = timezone.now() + timedelta(hours=2)
    assert [swept.what for swept in services.sweep(now=later)] == ["released"]
    assert not exists(oss, upload, upload.staging_key)
    assert [swept.what for swept in services.sweep(now=later)] == []
    assert exists(oss, upload, upload.final_key)


def test_the_sweep_of_orphans_leaves_a_copy_alone(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_WHOLE_COPY", 1)
    monkeypatch.setattr(rules, "COPY_PART", 102_400)
    upload = begin(COPIED)
    send(upload)
    services.complete(upload, seconds=0)
    services.complete(upload, seconds=0)
    assert again(upload).copy_id
    later = timezone.now() + timedelta(hours=2)
    swept = [each.key for each in services.sweep_orphans(now=later)]
    assert upload.final_key not in swept
    complete(upload)
    is_whole(upload, oss)


def test_what_is_not_staged_is_as_before(begin: Begin, oss: OssClient, staged: Callable[..., None]) -> None:
    staged(stage=False)
    upload = begin(5)
    send(upload)
    services.complete(upload)
    assert (upload.state, upload.staging_key, upload.key.startswith("films/")) == (State.COMPLETED, "", True)
