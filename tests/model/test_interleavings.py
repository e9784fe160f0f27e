"""Runs of the services that the model has found, step by step."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.model.reference import SIZES, checksum, content_of, damaged, part_of
from tests.model.steps import Task
from tests.model.world import World
from uploads import services
from uploads.models import Upload
from uploads.services import ClientReport, UploadRequest

COMPLETE = "oss CompleteMultipartUpload"
ADVANCE = "transaction advance_many"


@pytest.fixture
def upload(world: World) -> Upload:
    """All parts are at OSS."""
    upload = services.begin(world.owner, UploadRequest("model", "film.bin", SIZES[3], part_size=100 * 1024))
    for number in (1, 2, 3):
        world.sign(upload.pk, number, intact=True)
        world.send(-1)
    return upload


def completing(upload: Upload) -> Task:
    """Somebody who is about to ask OSS to complete."""
    task = Task("complete", lambda: services.complete(Upload.objects.get(pk=upload.pk)))
    task.run_to(COMPLETE)
    return task


def abort(world: World, upload: Upload) -> None:
    services.abort(Upload.objects.get(pk=upload.pk), actor=world.owner)


def expire_and_sweep(world: World, upload: Upload) -> None:
    del upload
    world.sweep_to_the_end()


def reopened(world: World, upload: Upload) -> Task:
    """OSS refuses the first, since a part was replaced, which reopens the upload. The second is about to ask OSS."""
    first = completing(upload)
    part = damaged(part_of(content_of(upload.filename, upload.size), 1))
    world.oss.upload_part(upload.bucket, upload.key, upload.upload_id, 1, part)
    second = completing(upload)
    first.run()
    assert Upload.objects.get().state == "uploading"
    return second


def ask_and_die(world: World, upload: Upload, second: Task) -> None:
    second.step()
    second.crash()
    assert world.object_at_oss(upload)


def complete_twice(world: World, upload: Upload) -> None:
    """The second is killed after OSS has completed."""
    ask_and_die(world, upload, reopened(world, upload))


def grow_old() -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Upload.objects.update(updated_at=long_ago, expires_at=long_ago)


def test_a_refused_complete_does_not_reopen_the_claim_of_another(world: World, upload: Upload) -> None:
    """One knows the checksum of the file, and two does not. OSS refuses both, since a part was replaced by a wrong one.

    Two claims again, and one reopens what two has claimed, and claims it before two has recorded the object: what two
    knows of the object does not hold for the claim of one. Found by TLC.
    """
    content = content_of(upload.filename, upload.size)

    def complete(crc64: str = "") -> Task:
        return Task("complete", lambda: services.complete(Upload.objects.get(pk=upload.pk), ClientReport(crc64)))

    two, one = complete(), complete(checksum(content))
    two.run_to(COMPLETE)
    one.run_to(COMPLETE)
    world.oss.upload_part(upload.bucket, upload.key, upload.upload_id, 1, damaged(part_of(content, 1)))
    one.run_to(ADVANCE)
    two.run()
    two = complete()
    two.run_to(COMPLETE)
    one.run()
    one = complete(checksum(content))
    one.run_to(ADVANCE)
    two.run_to("transaction _finish")
    one.run_to("oss")
    two.run()
    one.run()
    upload.refresh_from_db()
    told = (upload.expected or {}).get("client_crc64", upload.crc64)
    assert (upload.state, told) == ("completed", upload.crc64)


def is_as_it_should_be(world: World, upload: Upload) -> bool:
    upload.refresh_from_db()
    ended = (upload.state, bool(world.object_at_oss(upload)))
    return ended in [("aborted", False), ("completed", True)] and world.open_uploads() == set()


@pytest.mark.parametrize("end", [abort, expire_and_sweep])
def test_the_object_of_a_second_complete_does_not_outlive_the_abort(
    world: World, upload: Upload, end: Callable[[World, Upload], None]
) -> None:
    complete_twice(world, upload)
    end(world, upload)
    assert is_as_it_should_be(world, upload)


def test_a_sweep_does_not_abort_what_was_completed_after_it_looked(world: World, upload: Upload) -> None:
    grow_old()
    sweep = Task("sweep", world.sweep)
    sweep.run_to(ADVANCE)
    complete_twice(world, upload)
    sweep.run()
    world.sweep_to_the_end()
    assert is_as_it_should_be(world, upload)


def test_a_sweep_removes_what_a_claim_completes_after_it_looked(world: World, upload: Upload) -> None:
    """The row does not move any more: its claim was reopened, and who asked OSS was killed."""
    second = reopened(world, upload)
    grow_old()
    sweep = Task("sweep", world.sweep)
    sweep.run_to(ADVANCE)
    ask_and_die(world, upload, second)
    sweep.run()
    world.sweep_to_the_end()
    assert is_as_it_should_be(world, upload)
