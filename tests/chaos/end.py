"""What there is when everything is over: sweeps with time moved on, and then every row, object and open upload."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests import http
from tests.chaos.world import World
from tests.stack import ROOT, client_for
from uploads.oss import signing
from uploads.oss.client import OssClient

SWEEP_LATER = """
from datetime import timedelta
from itertools import chain
from django.utils import timezone
from uploads import services
real = timezone.now
for days in (0.05, 2, 9, 30):
    timezone.now = lambda: real() + timedelta(days=days)
    for swept in chain(services.sweep(), services.sweep_orphans()):
        print(swept.what)
"""
"""Uploads expire after 7 days, and orphans are aborted after one."""
ROWS = """
import json
from uploads.models import Upload
fields = ("id", "state", "filename", "key", "size", "error")
print(json.dumps(list(Upload.objects.order_by("created_at").values(*fields)), default=str))
"""
SWEEP_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Row:
    """An upload in the database."""

    id: str
    state: str
    filename: str
    key: str
    size: int | None
    code: str = ""
    """Of its error."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object in the bucket: its size in bytes, and the SHA-256 of what was read from it."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The end: rows, objects by their keys, and the keys of multipart uploads that are still open."""

    rows: list[Row]
    objects: dict[str, Found]
    open_uploads: list[str]
    swept: dict[str, int]
    answers: dict[str, int]
    """How often the site gave each answer: "POST 201"."""


def facts(world: World) -> Facts:
    """Sweeps, and reads every byte in the bucket."""
    swept: dict[str, int] = {}
    for line in _manage(world, SWEEP_LATER).split("\n"):
        if line:
            swept[line] = swept.get(line, 0) + 1
    given = json.loads(_manage(world, ROWS).strip().rpartition("\n")[2])
    with client_for(world.oss_server) as client:
        bucket = world.oss_server.bucket
        pages = list(client.list_objects(bucket, "", page_size=1000))
        objects = {each.key: _read(client, bucket, each.key) for page in pages for each in page.objects}
        still_open = [held.key for held in client.all_uploads(bucket)]
    return Facts([_row(each) for each in given], objects, still_open, swept, world.answers())


def _row(given: dict[str, Any]) -> Row:
    code = (given["error"] or {}).get("code", "")
    name = given["filename"].rpartition("/")[2]  # That of a folder's file is a path.
    return Row(given["id"], given["state"], name, given["key"], given["size"], code)


def _read(client: OssClient, bucket: str, key: str) -> Found:
    request = signing.OssRequest("GET", bucket, key)
    url = signing.presign(client.context(), request, client.endpoint.url_of(bucket, key), 600)
    size, digest = 0, hashlib.sha256()
    with http.stream("GET", url) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes(1 << 20):
            size += len(chunk)
            digest.update(chunk)
    return Found(size, digest.hexdigest())


def _manage(world: World, script: str) -> str:
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", script]
    done = subprocess.run(
        command,
        env=world.site.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SWEEP_SECONDS,
        check=True,
    )
    return done.stdout
