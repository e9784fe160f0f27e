"""What races: the requests of browsers, of OSS and of cron. Each is a function of a round and the racer's number."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.utils import timezone

from tests.races.rounds import MIN_PART_SIZE, SIZE, Round
from uploads import services
from uploads.localoss.callback_requests import sign as signature
from uploads.oss.callback import FORM
from uploads.services.sweep import PATIENCE

Operation = Callable[[Round, int], Any]


@dataclass(frozen=True)
class CallbackKey:
    """With which callbacks are signed in OSS's place."""

    private: RSAPrivateKey
    url: str


def complete(round: Round, racer: int) -> Any:
    return round.client().post(_url(round, "complete/"), {}, format="json")


def complete_batch(round: Round, racer: int) -> Any:
    body = {"uploads": [{"id": str(_upload(round).pk)}]}
    return round.client().post("/api/uploads/batch/complete/", body, format="json")


def abort(round: Round, racer: int) -> Any:
    return round.client().delete(_url(round))


def sign(round: Round, racer: int) -> Any:
    return round.client().post(_url(round, "parts/sign/"), {"parts": [{"number": 1}]}, format="json")


def checkpoint(round: Round, racer: int) -> Any:
    """Each racer has sent another part."""
    sizes = [MIN_PART_SIZE, SIZE - MIN_PART_SIZE] if round.situation != "file" else [SIZE]
    number = racer % len(sizes) + 1
    body = {"parts": [{"number": number, "size": sizes[number - 1], "etag": "AA"}]}
    return round.client().post(_url(round, "parts/"), body, format="json")


def callback(round: Round, racer: int, *, key: CallbackKey) -> Any:
    path, upload = "/api/oss/callback/", _upload(round)
    body = f"upload={upload.pk}&secret={upload.secret}".encode()
    sent = {
        "HTTP_AUTHORIZATION": signature(key.private, path, body),
        "HTTP_X_OSS_PUB_KEY_URL": base64.b64encode(key.url.encode()).decode(),
        "RAW_URI": path,
    }
    return round.client().generic("POST", path, body, content_type=FORM, **sent)


def sweep(round: Round, racer: int) -> Any:
    """As if the upload had been left alone for so long that the sweep may work on it."""
    return list(services.sweep(now=timezone.now() + PATIENCE + timedelta(minutes=1)))


def create(round: Round, racer: int) -> Any:
    """The request that began the upload, repeated."""
    headers = {"Idempotency-Key": round.key}
    return round.client().post("/api/uploads/", round.creation, format="json", headers=headers)


def create_at_limit(round: Round, racer: int) -> Any:
    """Another upload, where there is room for one."""
    return round.client().post("/api/uploads/", round.creation, format="json")


def operations(key: CallbackKey) -> dict[str, Operation]:
    """By the name that the issue gives them."""

    def called_back(round: Round, racer: int) -> Any:
        return callback(round, racer, key=key)

    return {
        "complete": complete,
        "batch complete": complete_batch,
        "abort": abort,
        "sign": sign,
        "checkpoint": checkpoint,
        "callback": called_back,
        "sweep": sweep,
        "create": create,
        "quota": create_at_limit,
    }


NAMES = ("complete", "batch complete", "abort", "sign", "checkpoint", "callback", "sweep", "create", "quota")
CREATING = frozenset({"create", "quota"})


def _upload(round: Round) -> Any:
    assert round.upload is not None
    return round.upload


def _url(round: Round, path: str = "") -> str:
    return f"/api/uploads/{_upload(round).pk}/{path}"
