"""What is done to the bucket as a whole: its settings are replaced and restored, and a run's objects removed."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from tests.live.answers import Answer
from tests.live.journal import Journal
from tests.live.scene import Ask, Scene, Unprepared
from uploads.oss import messages

ROOT = "oss-uploads-live/"
STALE = timedelta(days=1)
READY_SECONDS = 60.0
"""Seconds to wait for a setting to be in effect."""


def new_prefix(now: datetime, token: str) -> str:
    """The prefix of a run. The time is in it, so that another machine can tell what was left behind."""
    return f"{ROOT}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{token}/"


class Settings:
    """Replaces settings of the bucket, which `restore` brings back."""

    def __init__(self, scene: Scene, journal: Journal) -> None:
        self._scene, self._journal = scene, journal
        self._current: dict[str, bytes] = {}

    def install(self, kind: str, document: bytes, ready: Callable[[], bool] = lambda: True) -> None:
        """Put a document (`cors`, `lifecycle`) in place, and wait until it is in effect. Raises Unprepared."""
        if self._current.get(kind) == document:
            return
        self._scene.need(self.attempt(kind, document))
        self._current[kind] = document
        end = time.monotonic() + READY_SECONDS
        while not ready():
            if time.monotonic() > end:
                raise Unprepared(f"The {kind} rules of the bucket are not in effect after {READY_SECONDS:.0f} seconds.")
            time.sleep(1)

    def attempt(self, kind: str, document: bytes) -> Answer:
        """The answer to putting a document, whatever it is."""
        self._save(kind)
        self._current.pop(kind, None)
        return self._scene.ask(
            Ask("PUT", query=((kind, ""),), content=document, headers={"Content-Type": "application/xml"})
        )

    def deleted(self, kind: str) -> Answer:
        """The answer to reading a setting after it was deleted."""
        self._save(kind)
        self._current.pop(kind, None)
        self._scene.need(self._scene.ask(Ask("DELETE", query=((kind, ""),))))
        return self._scene.ask(Ask("GET", query=((kind, ""),)))

    def _save(self, kind: str) -> None:
        if kind not in self._journal.saved:
            before = self._scene.ask(Ask("GET", query=((kind, ""),)))
            if before.status not in (200, 404):
                raise Unprepared(self._scene.redaction().text(before.summary()))
            self._journal.save(kind, before.content.decode() if before.status == 200 else None)


def restore(scene: Scene, journal: Journal) -> list[str]:
    """Bring back the settings that a run replaced. What went wrong, in words."""
    wrong = []
    for kind, document in journal.saved.items():
        query, headers = ((kind, ""),), {"Content-Type": "application/xml", "x-oss-allow-same-action-overlap": "true"}
        given = headers if kind == "lifecycle" else {"Content-Type": "application/xml"}
        ask = Ask("DELETE", query=query) if document is None else Ask(
            "PUT", query=query, content=document.encode(), headers=given
        )  # fmt: skip
        answer = scene.ask(ask)
        if answer.status >= 300:
            wrong.append(f"The {kind} rules of the bucket could not be restored: {answer.summary()}")
    return wrong


def clean(scene: Scene, prefix: str) -> list[str]:
    """Abort the uploads and delete the objects below a prefix. What went wrong, in words."""
    wrong = []
    for key, upload in list(_uploads(scene, prefix)):
        answer = scene.ask(Ask("DELETE", key, (("uploadId", upload),)))
        if answer.status not in (204, 404):
            wrong.append(f"The upload of {key} could not be aborted: {answer.summary()}")
    for key in list(_keys(scene, prefix)):
        answer = scene.ask(Ask("DELETE", key))
        if answer.status != 204:
            wrong.append(f"{key} could not be deleted: {answer.summary()}")
    return wrong


def stale_prefixes(scene: Scene, now: datetime) -> list[str]:
    """The prefixes of runs that began more than a day ago, on whatever machine."""
    found = set()
    uploads = {ROOT + key.removeprefix(ROOT).partition("/")[0] + "/" for key, _ in _uploads(scene, ROOT)}
    for prefix in sorted({*_prefixes(scene), *uploads}):
        try:
            began = datetime.strptime(prefix.removeprefix(ROOT)[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            continue
        if now - began > STALE:
            found.add(prefix)
    return sorted(found)


def _uploads(scene: Scene, prefix: str) -> Iterator[tuple[str, str]]:
    marker: tuple[tuple[str, str], ...] = ()
    while True:
        query = (("uploads", ""), ("encoding-type", "url"), ("prefix", prefix), *marker)
        page = messages.parse_uploads(scene.need(scene.ask(Ask("GET", query=query))).content)
        yield from ((upload.key, upload.upload_id) for upload in page.uploads)
        if page.next_marker is None:
            return
        marker = (("key-marker", page.next_marker[0]), ("upload-id-marker", page.next_marker[1]))


def _keys(scene: Scene, prefix: str) -> Iterator[str]:
    return (entry for entry in _listed(scene, prefix, "", "Contents/Key"))


def _prefixes(scene: Scene) -> Iterator[str]:
    return (entry for entry in _listed(scene, ROOT, "/", "CommonPrefixes/Prefix"))


def _listed(scene: Scene, prefix: str, delimiter: str, path: str) -> Iterator[str]:
    token = ""
    while True:
        query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix), ("max-keys", "1000")]
        query += [("delimiter", delimiter)] if delimiter else []
        query += [("continuation-token", token)] if token else []
        document = scene.need(scene.ask(Ask("GET", query=tuple(query)))).document()
        if document is None:
            return
        yield from (unquote(element.text or "") for element in document.iterfind(path))
        token = document.findtext("NextContinuationToken") or ""
        if not token:
            return


def is_private(scene: Scene) -> bool:
    """Whether the bucket's ACL is private. A key that may not read it counts as no."""
    answer = scene.ask(Ask("GET", query=(("acl", ""),)))
    return answer.status == 200 and answer.text("AccessControlList/Grant") == "private"
