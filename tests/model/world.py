"""The world of one run: a bucket at the local OSS, a clock that a test moves, two clients and an administrator.

Rule: what is so is read from the database and from OSS, never from what the run remembers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from tests import http
from tests.callback_app import CallbackApp
from tests.model.reference import Known, checksum, content_of, damaged, part_of
from tests.stack import deliver
from uploads import services
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Upload as AtOss
from uploads.localoss.testing import LocalServer
from uploads.models import ObjectRemoval, Part, Upload, UploadEvent
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound
from uploads.oss.signing import PartRequest
from uploads.services import SignedPart

PREFIX = "model/"
MAX_ACTIVE = 3
DESTINATION: dict[str, Any] = {
    "key": PREFIX + "{uuid}/{filename}",
    "allow_delete": True,
    "max_active_per_user": MAX_ACTIVE,
    "upload_expires": 6 * 3600,
}
SIGNATURE_LIFE = timedelta(minutes=25)
"""A signature's 15 minutes, and 10 in which a request that was sent with it may end."""
REAL_NOW = timezone.now


class Clock:
    """The time for the services. That of OSS goes on as always, so a run minds the expiry of signatures itself."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return REAL_NOW() + self.ahead

    @contextmanager
    def running(self) -> Iterator[None]:
        with patch.object(timezone, "now", self.now):
            yield


@dataclass
class Signature:
    """A signed request that a client holds."""

    upload: Any
    content: bytes
    signed: SignedPart
    until: datetime


@dataclass
class World:
    server: LocalServer
    oss: OssClient
    callbacks: CallbackApp
    owner: Any
    admin: Any
    clock: Clock = field(default_factory=Clock)
    signatures: list[Signature] = field(default_factory=list)
    rules: Sequence[Mapping[str, Any]] = ()
    """The faults of OSS."""

    # Clients

    def sign(self, pk: Any, number: int, *, intact: bool) -> None:
        """Have a part signed, to be sent later. Not intact: other bytes will be sent than the file has."""
        upload = Upload.objects.get(pk=pk)
        (signed,) = services.sign_parts(upload, [PartRequest(number)])
        content = part_of(content_of(upload.filename, upload.size), number)
        until = self.clock.now() + SIGNATURE_LIFE
        self.signatures.append(Signature(pk, content if intact else damaged(content), signed, until))

    def send(self, index: int) -> None:
        """Send what was signed, unless the signature has expired."""
        signature = self.signatures[index % len(self.signatures)]
        if self.clock.now() < signature.until:
            deliver(signature.signed, signature.content)

    def may_still_write(self, pk: Any) -> bool:
        return any(each.upload == pk and self.clock.now() < each.until for each in self.signatures)

    # OSS

    def fail(self, *rules: Mapping[str, Any]) -> None:
        """Faults of OSS from now on."""
        self.rules = rules
        http.put(f"{self.server.url}/-/faults", json=list(rules)).raise_for_status()

    @contextmanager
    def behind(self) -> Iterator[OssClient]:
        """A client that looks behind the app, or does what OSS does itself: it meets no fault, and uses none up."""
        if not self.rules:
            yield self.oss
            return
        held = http.get(f"{self.server.url}/-/faults").raise_for_status().json()["rules"]
        struck = [each["applied"] for each in held]
        left = [
            {**rule, "count": rule["count"] - times} if "count" in rule else rule
            for rule, times in zip(self.rules, struck, strict=True)
        ]
        self.fail()
        try:
            yield self.oss
        finally:
            self.fail(*[rule for rule in left if rule.get("count") != 0])

    def drop(self, upload: Upload) -> None:
        """As a lifecycle rule aborts old multipart uploads."""
        with self.behind() as oss:
            oss.abort(upload.bucket, upload.key, upload.upload_id)

    def part_arrives_late(self, upload: Upload) -> None:
        """As OSS stores a part that was on its way when the upload was aborted: the upload is there again."""
        if self.parts_at_oss(upload) is None:
            store = Store(self.server.root)
            store.uploads.create(AtOss(upload.upload_id, upload.bucket, upload.key, 0))
            store.close()

    def open_uploads(self) -> set[str]:
        with self.behind() as oss:
            return {held.upload_id for held in oss.all_uploads(self.server.bucket, PREFIX)}

    def objects(self) -> dict[str, tuple[str, int]]:
        """Key → ETag and bytes."""
        with self.behind() as oss:
            pages = oss.list_objects(self.server.bucket, PREFIX)
            return {each.key: (each.etag, each.size) for page in pages for each in page.objects}

    def object_at_oss(self, upload: Upload) -> bytes | None:
        with self.behind() as oss, suppress(NotFound):
            found = oss.head(upload.bucket, upload.key)
            return oss.get_range(upload.bucket, upload.key, 0, found.size or 0, found.etag)
        return None

    def parts_at_oss(self, upload: Upload) -> dict[int, bytes] | None:
        """Part → the bytes that were sent, which its CRC64 tells."""
        try:
            with self.behind() as oss:
                listed = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
        except NotFound:
            return None
        held = {}
        for part in listed:
            content = part_of(content_of(upload.filename, upload.size), part.number)
            held[part.number] = content if checksum(content) == str(part.crc64) else damaged(content)
        return held

    # What is so

    def known(self, upload: Upload) -> Known:
        recorded = dict(upload.parts.exclude(crc64="").values_list("number", "crc64"))
        return Known(
            upload.state,
            content_of(upload.filename, upload.size),
            bool(upload.upload_id),
            self.parts_at_oss(upload) if upload.upload_id else None,
            self.object_at_oss(upload),
            recorded,
            (upload.expected or {}).get("client_crc64", ""),
        )

    def sweep(self) -> None:
        list(services.sweep())

    def sweep_orphans(self) -> None:
        list(services.sweep_orphans())

    def sweep_to_the_end(self) -> None:
        """OSS answers, and the sweep runs every other day, until nothing is due any more."""
        self.fail()
        for _ in range(5):
            self.clock.ahead += timedelta(days=2)
            if not [*services.sweep(), *services.sweep_orphans()]:
                break

    def clean(self) -> None:
        """Remove everything, whatever it is: the next run begins with nothing."""
        self.fail()
        self.callbacks.calls.clear()
        for held in self.oss.all_uploads(self.server.bucket, PREFIX):
            self.oss.abort(self.server.bucket, held.key, held.upload_id)
        for key in self.objects():
            self.oss.delete_object(self.server.bucket, key)
        for model in (UploadEvent, Part, Upload, ObjectRemoval):  # Without signals, which would record removals.
            model._default_manager.all()._raw_delete("default")
