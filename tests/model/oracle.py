"""What must hold of every upload: after each step, and when everything has been swept.

The oracle: the object's bytes are the file's bytes and the row says completed, or there is no object and the row says
why. Nothing is stuck, and nothing else is left at OSS.
"""

from typing import Any

from tests.model.reference import checksum, content_of, damaged, state_after
from tests.model.world import MAX_ACTIVE, World
from uploads.models import ObjectRemoval, Upload

UNFINISHED = ("uploading", "completing")


def check_always(world: World, promised: dict[Any, str]) -> None:
    """`promised`: the state that a client was told, by the upload's id; it is final but for a deletion."""
    objects = world.objects()
    rows = list(Upload.objects.prefetch_related("events"))
    for upload in rows:
        history = [event.name for event in sorted(upload.events.all(), key=lambda event: event.pk)]
        assert state_after(history) == upload.state, f"{history} does not end in {upload.state}"
        if upload.state == "completed":
            check_object(upload, objects)
        if upload.state in ("aborted", "failed"):
            assert upload.error, f"{upload} does not say why"
        told = promised.get(upload.pk, upload.state)
        allowed = {told, "deleted"} if told == "completed" else {told}
        assert upload.state in allowed, f"a client was told {told}, and the upload is {upload.state}"
    assert set(promised) <= {upload.pk for upload in rows}
    keys = [upload.idempotency_key for upload in rows if upload.idempotency_key]
    assert len(keys) == len(set(keys)), "one idempotency key began two uploads"
    assert sum(upload.state in UNFINISHED for upload in rows) <= MAX_ACTIVE


def check_object(upload: Upload, objects: dict[str, tuple[str, int]]) -> None:
    """The object of a completed upload is there, is what the row says, and has the bytes that were promised."""
    assert upload.key in objects, f"the object of {upload} is not there"
    assert objects[upload.key] == (upload.etag, upload.size)
    assert upload.completed_at
    told = (upload.expected or {}).get("client_crc64")
    assert told in (None, upload.crc64), "the client's checksum is another"


def check_end(world: World) -> None:
    """After the last sweep."""
    rows, objects = list(Upload.objects.all()), world.objects()
    for upload in rows:
        assert upload.state not in UNFINISHED, f"{upload} is stuck: {upload.sweep_error}"
        assert upload.parts.count() == 0
        if upload.state in ("aborted", "failed"):
            assert upload.released_at
            assert upload.look_again_at is None
        if upload.state == "completed" and (upload.expected or {}).get("client_crc64"):
            # What the clients say: the checksum of the file, or that of a file whose first part is the damaged one.
            content = content_of(upload.filename, upload.size)
            assert upload.crc64 in (checksum(content), checksum(damaged(content)))
    kept = {upload.key for upload in rows if upload.state == "completed"}
    assert set(objects) == kept, "objects that belong to no completed upload, or the other way round"
    assert world.open_uploads() == set(), "multipart uploads are left at OSS"
    assert not ObjectRemoval.objects.filter(due_at__isnull=False).exists()
