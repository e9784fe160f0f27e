"""A run: the statements are judged one after the other, and the bucket is left as it was."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.http import Client
from tests.live import bucket, journal, statement
from tests.live.answers import Recorded
from tests.live.bucket import Settings
from tests.live.journal import Journal
from tests.live.scene import LIMIT_SECONDS, Ask, Scene, Unprepared, Usage
from tests.live.statement import Statement
from tests.live.target import Target

# Assumed, and generous. The prices of a region: https://www.alibabacloud.com/product/object-storage-service/pricing
DOLLARS_PER_REQUEST = 0.10 / 10_000
DOLLARS_PER_BYTE_RECEIVED = 0.50 / 1024**3


HINTS = {
    "PublicEndpointForbidden": "Set OSS_LIVE_ENDPOINT to a domain of the bucket, with OSS_LIVE_ADDRESSING=cname.",
    "SecondLevelDomainForbidden": "Set OSS_LIVE_ADDRESSING=virtual.",
    "NoSuchBucket": "Is it in the region of OSS_LIVE_ENDPOINT?",
}


class Unusable(Exception):
    """The suite cannot run on this target. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one statement. `skipped` says why it was not judged."""

    name: str
    problems: tuple[str, ...] = ()
    recorded: Recorded | None = None
    skipped: str = ""


class Session:
    """A target that is ready: `run` judges statements. Use `opened`."""

    def __init__(self, target: Target, http: httpx.Client, record: Journal, usage: Usage) -> None:
        self.target, self.usage, self.journal = target, usage, record
        self._http = http
        self._settings = Settings(self.scene("settings"), record)
        self._private = False
        self.wrong: list[str] = []

    def prepare(self) -> None:
        """Look at the bucket. Raises Unusable if the suite cannot run there."""
        check(self.scene("check"))
        self._private = bucket.is_private(self.scene(""))

    def scene(self, name: str) -> Scene:
        """The place of one statement."""
        return Scene(self.target, self._http, f"{self.journal.prefix}{name}/", self.usage)

    def missing(self, needs: Iterable[str]) -> str:
        """What a statement needs and the target has not; empty if it has all."""
        has = {
            statement.SETTINGS: self.target.settings,
            statement.ROLE: bool(self.target.role_arn),
            statement.PRIVATE: self._private,
            statement.OTHER_BUCKETS: self.target.endpoint.addressing != "cname",
        }
        return ", ".join(sorted(need for need in needs if not has[need]))

    def judge(self, asked: Statement) -> Outcome:
        """What becomes of a statement."""
        if lacking := self.missing(asked.needs):
            return Outcome(asked.name, skipped=f"needs: {lacking}")
        scene = self.scene(asked.name)
        scene.settings = self._settings
        try:
            answer = scene.recorded(asked.act(scene))
        except Unprepared as error:
            return Outcome(asked.name, (f"could not be prepared: {error}",))
        except httpx.HTTPError as error:
            return Outcome(asked.name, (f"had no answer: {type(error).__name__}",))
        found = [expected.problems(answer) for expected in asked.expected]
        return Outcome(asked.name, () if [] in found else tuple(found[0]), answer)

    def run(self, statements: Iterable[Statement], told: Callable[[Outcome], None]) -> Iterator[Outcome]:
        """Judge the statements; `told` is called after each."""
        for asked in statements:
            outcome = self.judge(asked)
            told(outcome)
            yield outcome

    def undo(self) -> None:
        """Remove what the run made, and restore the bucket's settings. What failed stays for the next start."""
        try:
            self.wrong = undone(self.scene(""), self.journal)
        except (Unprepared, httpx.HTTPError) as error:
            self.wrong = [f"The clean-up failed: {error}"]
        if self.wrong:
            self.journal.leave()
        else:
            self.journal.end()


def undone(scene: Scene, record: Journal) -> list[str]:
    """Undo a run. What went wrong, in words."""
    return [*bucket.restore(scene, record), *bucket.clean(scene, record.prefix)]


def place(target: Target) -> str:
    """Names a bucket for the records of runs."""
    return f"{target.endpoint.url_of(target.bucket)}"


@contextmanager
def opened(target: Target, folder: Path = journal.FOLDER, now: datetime | None = None) -> Iterator[Session]:
    """A session on a target, after what earlier runs left behind is removed. Raises Unusable."""
    now = now or datetime.now(UTC)
    headers = {"Accept-Encoding": "identity", "User-Agent": "oss-uploads-live", "Accept": "*/*"}
    usage = Usage()
    with Client(timeout=LIMIT_SECONDS, headers=headers) as http:
        probe = Scene(target, http, bucket.ROOT, usage)
        try:
            for record in journal.unfinished(folder, place(target)):
                record.leave() if undone(probe, record) else record.end()
            for prefix in bucket.stale_prefixes(probe, now):
                bucket.clean(probe, prefix)
        except Unprepared as error:
            raise Unusable(str(error)) from error
        except httpx.HTTPError as error:
            raise Unusable(f"The endpoint could not be reached: {error}") from error
        record = journal.Journal.begin(folder, place(target), bucket.new_prefix(now, secrets.token_hex(4)))
        session = Session(target, http, record, usage)
        try:
            session.prepare()
            yield session
        finally:
            session.undo()


def check(scene: Scene) -> None:
    """Raises Unusable for a bucket in which the suite cannot run or cannot clean up behind itself."""
    answer = scene.ask(Ask("PUT", scene.key("a"), content=b"check"))
    if answer.status != 200:
        raise Unusable(f"{scene.redaction().text(answer.summary())} {HINTS.get(answer.text('Code'), '')}".rstrip())
    if version := answer.headers.get("x-oss-version-id"):
        scene.ask(Ask("DELETE", scene.key("a"), (("versionId", version),)))
        raise Unusable("The bucket has versioning: what the suite deletes would stay there. Use another bucket.")


def dollars(usage: Usage) -> float:
    """An upper bound of what a run cost. Storage for minutes is less than a hundredth of the rest."""
    return usage.charged * DOLLARS_PER_REQUEST + usage.received * DOLLARS_PER_BYTE_RECEIVED
