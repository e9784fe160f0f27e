"""One round: a user of its own, and the upload that the racers meet at, in one of the situations that it may be in."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.test import APIClient

from uploads import services
from uploads.domain.expectations import expected_of_parts
from uploads.domain.parts import NO_REPORT
from uploads.domain.states import Event
from uploads.models import Part, Upload, UploadEvent
from uploads.oss.client import OssClient
from uploads.oss.limits import MIN_PART_SIZE

SIZE = MIN_PART_SIZE + 10
CONTENT = secrets.token_bytes(SIZE)
BUCKET = "demo-bucket"
SITUATIONS = ("parts", "file", "died", "behind")
"""`parts`: all parts are at OSS. `file`: one request has brought the whole file. `died`: OSS has completed, and the
process that asked for it was killed. `behind`: the same, but the database was restored to a time before."""
LIMITS: dict[str, dict[str, int]] = {
    "counted": {"max_active_per_user": 1},
    "weighed": {"max_bytes_per_user_per_day": SIZE},
}
"""There is room for one upload."""


def destinations(callback_url: str) -> dict[str, dict[str, Any]]:
    """By limit and by the number of requests in which the file is sent."""
    return {
        f"{limit}-{method}": {**limits, "part_size": part_size, "callback": {"url": callback_url}}
        for limit, limits in LIMITS.items()
        for method, part_size in (("parts", MIN_PART_SIZE), ("file", 2 * MIN_PART_SIZE))
    }


@dataclass
class Round:
    """`upload`: None where the racers begin it."""

    oss: OssClient
    situation: str
    limit: str
    begun: bool = True
    user: Any = None
    upload: Upload | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def prefix(self) -> str:
        """Of all keys of the round's user."""
        return f"uploads/{self.user.pk}/"

    @property
    def creation(self) -> dict[str, Any]:
        method = "file" if self.situation == "file" else "parts"
        return {"destination": f"{self.limit}-{method}", "filename": "film.mp4", "size": SIZE, "sign": 2}

    def client(self) -> APIClient:
        """Logged in as the round's user; one for each racer."""
        client = APIClient()
        client.force_authenticate(self.user)
        return client

    def prepare(self) -> "Round":
        name = secrets.token_hex(8)
        self.user = get_user_model().objects.create(username=name)
        if not self.begun:
            return self
        canonical = json.dumps(self.creation, sort_keys=True, separators=(",", ":")).encode()
        key = services.IdempotencyKey(self.key, hashlib.sha256(canonical).hexdigest())
        wanted = {name: value for name, value in self.creation.items() if name != "sign"}
        self.upload = services.begin(self.user, services.UploadRequest(**wanted), idempotency_key=key)
        for number in self.upload.plan.numbers():
            self._send(self.upload, number)
        self._reach_situation(self.upload)
        # It has expired, so that the sweep may abort it.
        Upload.objects.filter(pk=self.upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        self.upload.refresh_from_db()
        return self

    def _send(self, upload: Upload, number: int) -> None:
        start = (number - 1) * upload.part_size
        piece = CONTENT[start : start + upload.part_size]
        if upload.upload_id:
            self.oss.upload_part(upload.bucket, upload.key, upload.upload_id, number, piece)
        else:
            self.oss.put_object(upload.bucket, upload.key, CONTENT, services.object_headers(upload))

    def _reach_situation(self, upload: Upload) -> None:
        if self.situation not in ("died", "behind"):
            return
        parts = self.oss.list_parts(upload.bucket, upload.key, upload.upload_id)
        if self.situation == "died":
            assert Upload.objects.advance(upload, Event.COMPLETE, expected=expected_of_parts(parts, NO_REPORT))
        self.oss.complete(upload.bucket, upload.key, upload.upload_id, parts)

    def objects(self) -> set[str]:
        """The keys of all objects of the round."""
        return {key for page in self.oss.list_objects(BUCKET, self.prefix) for key in page.keys}

    def clear(self) -> None:
        """Remove all that the round has left, so that the next one is as quick as the first."""
        for key in self.objects():
            self.oss.delete_object(BUCKET, key)
        mine = Upload.objects.filter(owner=self.user)
        for held in mine.active().exclude(upload_id=""):
            self.oss.abort(held.bucket, held.key, held.upload_id)
        Part.objects.filter(upload__in=mine).delete()
        UploadEvent.objects.filter(upload__in=mine).delete()
        mine._raw_delete(mine.db)  # Without the removals that a deletion records.
