"""Recordings: what owners of accounts gave is compared with the local OSS, and nothing of an account gets into one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import __main__ as runner
from tests.live import recording, session, target
from tests.live.answers import Answer, Recorded
from tests.live.recording import Difference, compare, unexplained
from tests.live.session import Session
from tests.live.topics import STATEMENTS
from tests.resolver import resolve_localhost
from uploads.localoss.testing import LocalServer
from uploads.oss.endpoint import Endpoint

BY_NAME = {statement.name: statement for statement in STATEMENTS}


def replayed(live: Session, path: Path) -> list[Difference]:
    """The differences between a recording and the local OSS."""
    found = []
    for name, oss in recording.load(path).items():
        statement = BY_NAME.get(name)
        if statement and not statement.varies:
            outcome = live.judge(statement)
            assert outcome.recorded, outcome.problems
            found += compare(name, oss, outcome.recorded)
    return found


def test_the_local_oss_answers_as_oss_did(live: Session) -> None:
    """The recordings in this directory. Today there is none: nobody has given one."""
    reasons = recording.accepted()
    for path in recording.recordings():
        assert [str(found) for found in unexplained(replayed(live, path), reasons)] == []


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the local OSS itself, made by the runner."""
    folder = tmp_path_factory.mktemp("recorded")
    assert runner.main(["--local", "--only", "abort/", "--folder", str(folder)]) == 0
    (path,) = folder.glob("*.json")
    return path


def test_what_is_altered_in_a_recording_is_reported(live: Session, recorded: Path, tmp_path: Path) -> None:
    assert replayed(live, recorded) == []
    content = json.loads(recorded.read_text())
    answers: dict[str, Any] = content["answers"]
    answers["abort/it-answers-204"]["status"] = 200
    answers["abort/a-second-abort-is-404"]["headers"]["x-oss-own"] = "1"
    del answers["abort/a-later-part-is-404"]["headers"]["x-oss-ec"]
    answers["abort/an-unknown-upload-is-404"]["elements"]["Error/EC"] = "0042-00000001"
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(content))
    found = replayed(live, altered)
    assert {(one.id, one.oss, one.local) for one in found} == {
        ("abort/it-answers-204 status", "200", "204"),
        ("abort/a-second-abort-is-404 header x-oss-own", "1", None),
        ("abort/a-later-part-is-404 header x-oss-ec", None, "0042-00000104"),
        ("abort/an-unknown-upload-is-404 element Error/EC", "0042-00000001", "0042-00000002"),
    }
    reasons = {
        "abort/it-answers-204 status": "a test",
        "abort/a-second-abort-is-404 header x-*": "a test",
        "abort/a-later-part-is-404 header x-oss-ec": "a test",
    }
    assert [one.oss for one in unexplained(found, reasons)] == ["0042-00000001"]


def test_a_statement_that_changed_since_is_told_apart(live: Session, recorded: Path) -> None:
    oss = recording.load(recorded)["abort/it-answers-204"]
    (found,) = compare("abort/it-answers-204", replace(oss, request="DELETE /another"), oss)
    assert found.field == "request (record it again)"


def test_another_run_by_host_names_is_recorded_alike(
    live: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real buckets are addressed by host names, and each run has its own prefix, times and ids."""
    resolve_localhost(monkeypatch)
    with LocalServer(arguments=["--base-domain", "oss.localhost", "--region", "cn-beijing"]) as server:
        endpoint = Endpoint(f"http://oss.localhost:{server.port}")
        place = replace(target.local(server), endpoint=endpoint, public=endpoint, region="cn-beijing")
        chosen = [one for one in STATEMENTS if one.name.startswith(("v4", "list", "form/", "sts/", "complete/the"))]
        with session.opened(place, tmp_path) as other:
            outcomes = [(live.judge(statement).recorded, other.judge(statement).recorded) for statement in chosen]
    for statement, (ours, theirs) in zip(chosen, outcomes, strict=True):
        assert ours
        assert theirs
        assert [str(found) for found in compare(statement.name, theirs, ours)] == []


def test_a_recording_holds_nothing_of_the_account(recorded: Path, oss_server: LocalServer) -> None:
    text = recorded.read_text()
    place = target.local(oss_server)
    for secret in (*place.secrets, "127.0.0.1", "oss-uploads-live/2"):
        assert secret not in text


def test_one_that_would_is_not_written(oss_server: LocalServer) -> None:
    place = target.local(oss_server)
    telling = Recorded("GET /", 200, {"x-own": f"key {place.credentials.access_key_id}"})
    with pytest.raises(recording.Telling) as caught:
        recording.document(place, "2026-01-15", {"a": telling})
    assert place.credentials.access_key_id not in str(caught.value)


def test_ids_of_another_account_are_replaced_wherever_they_stand(live: Session) -> None:
    text = "LTAI5tSomebodysKey of 1234567890123456: CAISabcdefghijklmnop, 20260115/20260115T083000Z"
    body = f"<Error><Code>A</Code><Message>{text}</Message></Error>".encode()
    answer = Answer("GET /", 403, httpx.Headers({"x-own": "STS.NTsomebodysKey"}), body)
    shown = live.scene("a").recorded(answer)
    assert shown.elements["Error/Message"] == "{key-id} of {account}: {token}, {day}/{day}"
    assert shown.headers["x-own"] == "{key-id}"
