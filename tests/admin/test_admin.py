"""Django's admin: shows all uploads, and aborts them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from tests.services.test_services import send
from uploads import services
from uploads.domain.errors import StorageRefused
from uploads.domain.phrase import Phrase
from uploads.domain.sizes import readable
from uploads.domain.states import Event
from uploads.models import Ending, Upload, WebhookDelivery
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound
from uploads.services.common import as_record

pytestmark = pytest.mark.django_db
LIST = "/admin/uploads/upload/"


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def test_the_list_shows_whose_upload_it_is_and_how_far(admin: Client, begin: Any) -> None:
    begin(20_000_000, filename="holiday.mp4")
    page = admin.get(LIST).content.decode()
    assert all(text in page for text in ("holiday.mp4", "ann", 'aria-label="0 %"', "20 MB", "up-uploading"))
    assert "holiday.mp4" not in admin.get(f"{LIST}?q=nothing").content.decode()


def test_the_detail_shows_the_history_and_lets_nothing_be_changed(admin: Client, begin: Any) -> None:
    upload = begin()
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "begin" in page
    assert 'name="_save"' not in page
    assert admin.post(f"{LIST}{upload.pk}/change/", {"state": "completed"}).status_code == 403
    assert admin.get(f"{LIST}add/").status_code == 403


def select_to_abort(admin: Client, **chosen: Any) -> Any:
    """Run the action, and follow the redirect to the page that asks."""
    return admin.post(LIST, {"action": "abort_uploads", **chosen}, follow=True)


def abort(admin: Client, **chosen: Any) -> Any:
    """Run the action, confirm, and follow the redirect to the page of the bulk abort."""
    asked = select_to_abort(admin, **chosen)
    page = admin.post(asked.redirect_chain[-1][0], follow=True)
    return page, page.context["next"]


def test_many_are_aborted_only_after_their_number_and_bytes_are_confirmed(admin: Client, begin: Any) -> None:
    uploads = [begin(20_000_000) for _ in range(3)]
    for upload in uploads:
        send(upload, 1)
        services.synchronize_parts(upload)
    page = select_to_abort(admin, _selected_action=[str(upload.pk) for upload in uploads])
    held = readable(sum(upload.bytes_done for upload in uploads))
    assert f"Uploads to abort: 3. OSS holds {held} of them." in page.content.decode()
    job = admin.post(page.context["next"], headers={"Accept": "application/json"}).json()
    assert (job["done"], job["confirmed"]) == (0, False)
    assert not Upload.objects.filter(state="aborted").exists()


def test_one_upload_has_a_button_that_asks_and_aborts(admin: Client, begin: Any) -> None:
    upload = begin(filename="holiday.mp4")
    detail = f"{LIST}{upload.pk}/change/"
    ask = f"{LIST}{upload.pk}/abort/"
    assert ask in admin.get(detail).content.decode()
    assert "holiday.mp4" in admin.get(ask).content.decode()
    upload.refresh_from_db()
    assert upload.state == "uploading", "asking changes nothing"
    page = admin.post(ask, follow=True).content.decode()
    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == ("aborted", "aborted_by_administrator")
    assert "The upload was aborted." in page
    assert ask not in page, "an upload that has ended has no such button"


def test_the_button_needs_the_permission(begin: Any) -> None:
    upload = begin()
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client = Client()
    client.force_login(viewer)
    assert "/abort/" not in client.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert client.post(f"{LIST}{upload.pk}/abort/").status_code == 403


def test_fields_without_a_value_are_not_shown(admin: Client, begin: Any) -> None:
    page = admin.get(f"{LIST}{begin().pk}/change/").content.decode()
    assert "field-upload_id" in page
    for field in ("etag", "crc64", "location", "completed_at", "staging_key", "relative_path", "problem", "attempts"):
        assert f"field-{field}" not in page


def test_sizes_have_one_form(admin: Client, begin: Any) -> None:
    upload = begin(20_000_000)
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "20 MB (20,000,000 bytes)" in page
    assert f"{readable(upload.part_size)} ({upload.part_size:,} bytes)" in page


def test_what_the_user_is_told_is_not_told_to_administrators(admin: Client, begin: Any) -> None:
    upload = begin()
    services.abort(upload, actor=upload.owner)
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "<strong>abort</strong>" in page
    assert "You aborted it" not in page


def test_the_action_aborts_by_the_service_in_batches(admin: Client, begin: Any) -> None:
    uploads = [begin(5) for _ in range(60)]
    ended = begin(5)
    send(ended)
    services.complete(ended)
    page, step = abort(admin, _selected_action=[str(upload.pk) for upload in [*uploads, ended]])
    assert "0 of 60 done" in page.content.decode(), "an ended upload is not counted"
    first = admin.post(step, headers={"Accept": "application/json"}).json()
    assert 1 <= first["done"] <= 50
    while not first["over"]:
        first = admin.post(step, headers={"Accept": "application/json"}).json()
    assert (first["total"], first["aborted"], first["failed"]) == (60, 60, 0)
    assert Upload.objects.filter(state="aborted").exclude(released_at=None).count() == 60
    uploads[7].refresh_from_db()
    assert uploads[7].events.last().actor.username == "root"
    assert "All done" in admin.post(step, follow=True).content.decode()


def test_refusals_are_shown_with_the_file_name(admin: Client, begin: Any) -> None:
    upload = begin(filename="busy.mp4")
    Upload.objects.advance(upload, Event.COMPLETE, expected={})
    _, step = abort(admin, _selected_action=[str(upload.pk)])
    job = admin.post(step, headers={"Accept": "application/json"}).json()
    assert job["refused"] == [["busy.mp4", "The upload is being completed."]]


def test_the_detail_says_why_the_sweep_fails_and_how_often(admin: Client, begin: Any) -> None:
    upload = begin()
    reason = as_record(StorageRefused(Phrase("The bucket does not exist. Create it, or correct OSS_BUCKET.")))
    Upload.objects.filter(pk=upload.pk).update(attempts=3, sweep_error=reason)
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "Failed attempts: 3. The bucket does not exist." in page


def test_a_bulk_abort_belongs_to_one_session(admin: Client, begin: Any) -> None:
    _, step = abort(admin, _selected_action=[str(begin().pk)])
    other = Client()
    other.force_login(get_user_model().objects.create_superuser("other"))
    assert other.post(step).status_code == 404
    assert admin.get(step).status_code == 405


def test_uploads_are_checked_against_oss(admin: Client, begin: Any) -> None:
    upload = begin(20_000_000)
    send(upload, 2)
    page = admin.post(LIST, {"action": "check_against_oss", "_selected_action": [str(upload.pk)]}, follow=True)
    assert "1 checked" in page.content.decode()
    detail = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "1 of 3 parts recorded" in detail
    assert "part 2: recorded" in detail
    assert "part 3: missing" in detail


def test_uploads_whose_object_exists_are_completed(admin: Client, begin: Any) -> None:
    there, missing = begin(5), begin(5)
    send(there)
    chosen = {"action": "complete_existing_objects", "_selected_action": [str(there.pk), str(missing.pk)]}
    assert "2 checked" in admin.post(LIST, chosen, follow=True).content.decode()
    there.refresh_from_db()
    missing.refresh_from_db()
    assert (there.state, missing.state) == ("completed", "uploading")


def test_stalled_uploads_are_found(admin: Client, begin: Any) -> None:
    begin(filename="fresh.mp4")
    Upload.objects.filter(pk=begin(filename="stalled.mp4").pk).update(updated_at=timezone.now() - timedelta(hours=2))
    page = admin.get(f"{LIST}?stalled=yes").content.decode()
    assert "stalled.mp4" in page
    assert "fresh.mp4" not in page


def test_multipart_uploads_at_oss_are_shown_with_orphans(
    admin: Client, begin: Any, oss: OssClient, monkeypatch: Any
) -> None:
    known = begin(filename="known.mp4")
    prefix = known.key.rpartition("/")[0]
    orphan = oss.initiate("demo-bucket", f"{prefix}/orphan <b>.bin")
    monkeypatch.setattr("uploads.admin.multipart_uploads.ORPHAN_AGE", timedelta(hours=-1))
    page = admin.get(f"{LIST}multipart-uploads/", {"prefix": prefix}).content.decode()
    assert "known.mp4" in page
    assert "orphan &lt;b&gt;.bin" in page
    assert page.count('up-failed">orphan') == 1
    assert "uploads/" in admin.get(f"{LIST}multipart-uploads/", {"delimiter": "/"}).content.decode()
    chosen = [f"{orphan}:{prefix}/orphan <b>.bin", f"{known.upload_id}:{known.key}"]
    told = admin.post(
        f"{LIST}multipart-uploads/?prefix={prefix}", {"bucket": "demo-bucket", "selected": chosen}, follow=True
    )
    assert "2 aborted at OSS" in told.content.decode()
    known.refresh_from_db()
    assert (known.state, known.events.last().actor.username) == ("aborted", "root")
    assert list(oss.all_uploads("demo-bucket", prefix)) == []


def test_one_that_is_refused_does_not_hold_up_the_others(admin: Client, begin: Any, oss: OssClient) -> None:
    """An orphan of the page that got a part, and the copy of a staged file."""
    prefix, staged = "uploads/refused", begin(20_000_000)
    ids = {name: oss.initiate("demo-bucket", f"{prefix}/{name}") for name in ("busy", "copy", "quiet")}
    oss.upload_part("demo-bucket", f"{prefix}/busy", ids["busy"], 1, b"x")
    Upload.objects.filter(pk=staged.pk).update(copy_id=ids["copy"])
    chosen = {"bucket": "demo-bucket", "selected": [f"{upload_id}:{prefix}/{name}" for name, upload_id in ids.items()]}
    told = admin.post(f"{LIST}multipart-uploads/", chosen, follow=True).content.decode()
    assert "1 aborted at OSS" in told
    assert "got a part of it in the last 24 hours" in told
    assert "belongs to an upload by now" in told
    assert [held.key for held in oss.all_uploads("demo-bucket", prefix)] == [f"{prefix}/busy", f"{prefix}/copy"]
    for name in ("busy", "copy"):
        oss.abort("demo-bucket", f"{prefix}/{name}", ids[name])


def test_a_selection_without_upload_id_aborts_nothing(admin: Client, begin: Any) -> None:
    """An upload that is sent in one request has none, and must not be taken for the selected one."""
    form = begin(5)
    chosen = {"bucket": form.bucket, "selected": [":x", "x", f":{form.key}"]}
    assert "0 aborted" in admin.post(f"{LIST}multipart-uploads/", chosen, follow=True).content.decode()
    form.refresh_from_db()
    assert form.state == "uploading"


def test_multipart_uploads_are_paged(admin: Client, begin: Any, oss: OssClient) -> None:
    ids = {oss.initiate("demo-bucket", f"paged/{number:03}") for number in range(60)}
    seen, query = 0, "prefix=paged/"
    for _ in range(3):
        answer = admin.get(f"{LIST}multipart-uploads/?{query}")
        assert answer.status_code == 200, answer.content
        seen += len(answer.context["rows"])
        query = answer.context["next"]
        if not query:
            break
    assert seen == 60
    for held in oss.all_uploads("demo-bucket", "paged/"):
        assert held.upload_id in ids
        oss.abort("demo-bucket", held.key, held.upload_id)


def test_an_error_of_oss_is_shown_on_the_page(admin: Client, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    assert "did not answer" in admin.get(f"{LIST}multipart-uploads/").content.decode()


def test_the_statistics(admin: Client, begin: Any) -> None:
    done = begin(5)
    send(done)
    services.complete(done)
    failed = begin()
    Upload.objects.advance(failed, Event.FAIL, error={"code": "upload_gone", "detail": "x", "title": "y"})
    page = admin.get(f"{LIST}statistics/").content.decode()
    assert "OSS no longer has this upload" in page
    assert f"{date_format(timezone.now(), 'F j')}: 2" in page
    assert "maximum per day: 2" in page


def test_each_number_leads_to_the_uploads_that_it_counts(admin: Client, begin: Any) -> None:
    completing = begin(filename="completing.mp4")
    Upload.objects.advance(completing, Event.COMPLETE, expected={})
    begin(filename="uploading.mp4")
    tiles = admin.get(f"{LIST}statistics/").context["tiles"]
    assert tiles[0][1] == "2"
    for _, number, query in tiles:
        assert str(admin.get(LIST + query).context["cl"].result_count) == number


def completed(begin: Any) -> Upload:
    upload = begin(1000)
    send(upload)
    return services.complete(upload)


def test_deleting_says_what_becomes_of_the_object_and_removes_it(
    admin: Client, begin: Any, oss: OssClient, django_capture_on_commit_callbacks: Any
) -> None:
    upload, pending = completed(begin), begin(1000)
    page = admin.get(f"{LIST}{upload.pk}/delete/").content.decode()
    assert "The object at OSS is removed too" in page
    assert "The upload is aborted" in admin.get(f"{LIST}{pending.pk}/delete/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(f"{LIST}{upload.pk}/delete/", {"post": "yes"}).status_code == 302
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)
    removals = admin.get("/admin/uploads/objectremoval/").content.decode()
    assert str(upload.pk) in removals


def test_selected_uploads_are_deleted_with_their_objects(
    admin: Client, begin: Any, oss: OssClient, django_capture_on_commit_callbacks: Any
) -> None:
    uploads = [completed(begin) for _ in range(2)]
    chosen = {"action": "delete_selected", "_selected_action": [str(upload.pk) for upload in uploads]}
    assert "The objects of these uploads at OSS are removed too" in admin.post(LIST, chosen).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(LIST, {**chosen, "post": "yes"}).status_code == 302
    assert not Upload.objects.exists()
    for upload in uploads:
        with pytest.raises(NotFound):
            oss.head(upload.bucket, upload.key)


def test_staff_without_the_permission_cannot_delete(begin: Any) -> None:
    upload, client = completed(begin), Client()
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_upload", "abort_upload"]))
    client.force_login(staff)
    assert client.get(f"{LIST}{upload.pk}/delete/").status_code == 403
    assert client.post(f"{LIST}{upload.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(LIST).content.decode()


@pytest.mark.parametrize("policy", ["keep", "delete"])
def test_a_user_who_has_uploaded_can_be_deleted(
    admin: Client,
    begin: Any,
    oss: OssClient,
    user: Any,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
    policy: str,
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": policy}
    upload, path = completed(begin), f"/admin/auth/user/{user.pk}/delete/"
    page = admin.get(path).content.decode()
    assert ("film.mp4" in page) is (policy == "delete"), "the page lists what goes"
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(path, {"post": "yes"}).status_code == 302
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    if policy == "keep":
        assert Upload.objects.get().owner is None
        assert oss.head(upload.bucket, upload.key).etag == upload.etag
        assert "film.mp4" in admin.get(LIST).content.decode()
        assert "user deleted" in admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    else:
        assert not Upload.objects.exists()
        with pytest.raises(NotFound):
            oss.head(upload.bucket, upload.key)


# Webhooks


def test_dead_webhooks_are_delivered_again_by_those_who_may(admin: Client, db: None) -> None:
    values = {"endpoint": "shop", "upload": uuid4(), "event": "upload.completed", "body": "{}"}
    reason = Phrase("The endpoint answered with {status}.", status=500).as_json()
    dead = WebhookDelivery.objects.create(**values, ending=Ending.DEAD, ended_at=timezone.now(), error=reason)
    page = admin.get("/admin/uploads/webhookdelivery/?ending=dead").content.decode()
    assert "The endpoint answered with 500." in page
    assert "Deliver the selected messages again" in page
    staff = get_user_model().objects.create_user("sam", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_webhookdelivery"))
    viewer = Client()
    viewer.force_login(staff)
    chosen = {"action": "deliver_again", "_selected_action": [str(dead.pk)]}
    viewer.post("/admin/uploads/webhookdelivery/", chosen)
    dead.refresh_from_db()
    assert dead.due_at is None
    staff.user_permissions.add(Permission.objects.get(codename="redeliver_webhookdelivery"))
    viewer.post("/admin/uploads/webhookdelivery/", chosen)
    dead.refresh_from_db()
    assert (dead.ending, dead.attempts, dead.error) == ("", 0, None)
    assert dead.due_at <= timezone.now()
    assert admin.post(f"/admin/uploads/webhookdelivery/{dead.pk}/change/", {"body": "x"}).status_code == 403
