"""Fault injection: each effect, the requests that a rule applies to, and their number."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import http
from tests.localoss.support import SMALLEST, Wire, bytes_of, raw, refused, result
from uploads.localoss.errors import ERRORS
from uploads.localoss.faults import Faults, InvalidRules, load, parse
from uploads.localoss.testing import LocalServer
from uploads.oss.messages import Part, bare, build_complete

CORS = (
    b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
    b"<ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-oss-request-id</ExposeHeader></CORSRule></CORSConfiguration>"
)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(arguments=["--allow-faults"]) as server:
        yield server


@pytest.fixture
def wire(server: LocalServer) -> Iterator[Wire]:
    with Wire(server, server.bucket) as wire:
        yield wire
        http.delete(f"{server.url}/-/faults").raise_for_status()


def faults(wire: Wire, *rules: dict[str, Any]) -> list[dict[str, Any]]:
    """Put these in force."""
    answer = http.put(f"{wire.server.url}/-/faults", json={"rules": rules})
    assert answer.status_code == 200, answer.text
    return answer.json()["rules"]


def applied(wire: Wire) -> list[int]:
    return [rule["applied"] for rule in http.get(f"{wire.server.url}/-/faults").json()["rules"]]


def test_an_error_comes_as_often_as_asked_for_and_the_part_can_be_sent_again(wire: Wire) -> None:
    error = {
        "status": 503,
        "code": "UploadTrafficRateLimitExceeded",
        "message": "slowly",
        "headers": {"Retry-After": "7"},
    }
    faults(wire, {"operation": "UploadPart", "part_number": 2, "count": 2, "error": error})
    upload = wire.initiate("a")
    assert wire.part("a", upload, 1, bytes_of(SMALLEST, 1)).status_code == 200
    for _ in range(2):
        answer = wire.part("a", upload, 2, b"end")
        assert answer.status_code == 503
        assert b"<Code>UploadTrafficRateLimitExceeded</Code><Message>slowly</Message>" in answer.content
        assert answer.headers["Retry-After"] == "7"
    assert wire.part("a", upload, 2, b"end").status_code == 200
    assert applied(wire) == [2]


def test_keys_and_operations_are_matched_with_wildcards(wire: Wire) -> None:
    faults(wire, {"operation": "*Object", "key": "raw/*.mov", "error": {"status": 500}})
    assert wire.call("PUT", "raw/a.mov", content=b"x").status_code == 500
    assert wire.call("PUT", "raw/a.mp4", content=b"x").status_code == 200
    assert wire.call("POST", "raw/a.mov", [("uploads", "")]).status_code == 200


def test_a_seed_makes_the_same_requests_fail_again(wire: Wire) -> None:
    rule = {"operation": "PutObject", "probability": 0.5, "seed": 7, "error": {"status": 500}}

    def run() -> list[int]:
        faults(wire, rule)
        return [wire.call("PUT", "a", content=b"x").status_code for _ in range(20)]

    first = run()
    assert run() == first
    assert set(first) == {200, 500}


def test_the_first_ones_may_pass(wire: Wire) -> None:
    faults(wire, {"operation": "PutObject", "after": 2, "error": {"status": 500}})
    assert [wire.call("PUT", "a", content=b"x").status_code for _ in range(4)] == [200, 200, 500, 500]


def test_a_reset_before_the_work_leaves_nothing(wire: Wire) -> None:
    faults(wire, {"operation": "PutObject", "count": 1, "reset": "before"})
    with pytest.raises(httpx.TransportError):
        wire.call("PUT", "reset/before", content=b"x")
    refused(wire.call("HEAD", "reset/before"), 404, "NoSuchKey")


def test_a_reset_in_the_middle_of_a_body_leaves_nothing(wire: Wire) -> None:
    faults(wire, {"operation": "PutObject", "count": 1, "reset": "middle"})
    with pytest.raises(httpx.TransportError):
        wire.call("PUT", "reset/middle", content=bytes(4 << 20))
    refused(wire.call("HEAD", "reset/middle"), 404, "NoSuchKey")
    wire.put("reset/middle", b"again")


def test_a_reset_cuts_off_even_what_is_refused_and_logs_nothing(tmp_path: Path, capfd: Any) -> None:
    """The body of an early refusal is read away, and there the fault applies."""
    with LocalServer(tmp_path, ["--allow-faults"]) as server, Wire(server, server.bucket) as wire:
        rule = {"operation": "PutObject", "reset": "middle", "error": {"status": 503, "code": "ServiceUnavailable"}}
        faults(wire, rule)
        with pytest.raises(httpx.HTTPError):
            wire.call("PUT", "a", content=bytes(4 << 20))
        http.delete(f"{server.url}/-/faults")
        wire.put("a", b"x")
    assert capfd.readouterr().err == ""


def test_a_reset_in_the_middle_of_an_answer_sends_less_than_was_promised(wire: Wire) -> None:
    wire.put("a", bytes(4 << 20))
    faults(wire, {"operation": "GetObject", "count": 1, "reset": "middle"})
    with pytest.raises(httpx.TransportError):
        wire.call("GET", "a")
    assert len(wire.call("GET", "a").content) == 4 << 20


def test_an_answer_is_lost_after_the_work_was_done(wire: Wire) -> None:
    upload = wire.initiate("lost")
    done = wire.parts("lost", upload, [b"hello"])
    faults(wire, {"operation": "CompleteMultipartUpload", "count": 1, "lose_answer": True})
    with pytest.raises(httpx.TransportError):
        wire.complete("lost", upload, build_complete(done))
    assert wire.call("GET", "lost").content == b"hello"
    refused(wire.complete("lost", upload, build_complete(done)), 404, "NoSuchUpload")


def test_a_flipped_byte_shows_in_every_checksum(wire: Wire) -> None:
    faults(wire, {"operation": "UploadPart", "count": 1, "flip_byte": True})
    upload = wire.initiate("a")
    wrong, right = (wire.part("a", upload, 1, b"hello").headers for _ in range(2))
    assert wrong["ETag"] != right["ETag"]
    assert wrong["x-oss-hash-crc64ecma"] != right["x-oss-hash-crc64ecma"]
    assert wire.complete("a", upload, build_complete([Part(1, bare(right["ETag"]))])).status_code == 200
    assert wire.call("GET", "a").content == b"hello"


def test_an_etag_is_hidden_from_pages(wire: Wire) -> None:
    assert wire.call("PUT", "", [("cors", "")], content=CORS).status_code == 200
    page = {"Origin": "https://app.example.com"}
    shown = wire.call("PUT", "a", content=b"x", unsigned=page).headers["Access-Control-Expose-Headers"]
    faults(wire, {"hide_etag": True})
    hidden = wire.call("PUT", "a", content=b"x", unsigned=page).headers["Access-Control-Expose-Headers"]
    assert (shown, hidden) == ("ETag, x-oss-request-id", "x-oss-request-id")


def test_responses_without_cors_headers(wire: Wire) -> None:
    assert wire.call("PUT", "", [("cors", "")], content=CORS).status_code == 200
    page = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"}
    faults(wire, {"hide_cors": True})
    for answer in (wire.call("PUT", "a", content=b"x", unsigned=page), wire.call("OPTIONS", "a", unsigned=page)):
        assert answer.status_code == 200
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_an_injected_error_has_its_usual_words(wire: Wire) -> None:
    faults(wire, {"error": {"status": 400, "code": "PublicEndpointForbidden"}})
    document = refused(wire.call("PUT", "a", content=b"x"), 400, "PublicEndpointForbidden")
    assert document.findtext("EC") == "0048-00000401"
    assert document.findtext("Message") == ERRORS["PublicEndpointForbidden"].message


def test_a_shifted_clock_finds_every_request_skewed(wire: Wire) -> None:
    faults(wire, {"clock_shift": 3600})
    answer = wire.call("PUT", "a", content=b"x")
    document = refused(answer, 403, "RequestTimeTooSkewed")
    date = parsedate_to_datetime(answer.headers["Date"])
    assert timedelta(minutes=59) < date - datetime.now(UTC) < timedelta(minutes=61)
    server_time = datetime.fromisoformat(document.findtext("ServerTime") or "")
    assert timedelta(minutes=59) < server_time - datetime.now(UTC) < timedelta(minutes=61)
    assert wire.call("PUT", "a", content=b"x", now=server_time).status_code == 200


def test_preflights_fail_too(wire: Wire) -> None:
    wire.call("PUT", "", [("cors", "")], content=CORS)
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"}
    assert wire.call("OPTIONS", "a", signed=False, unsigned=asked).status_code == 200
    faults(wire, {"operation": "Preflight", "error": {"status": 403, "code": "AccessForbidden"}})
    refused(wire.call("OPTIONS", "a", signed=False, unsigned=asked), 403, "AccessForbidden")


def test_slow_bodies_and_delays_still_end_well(wire: Wire) -> None:
    faults(wire, {"operation": "PutObject", "slow": 1 << 20, "delay": 0.05})
    wire.put("a", bytes(100_000))
    faults(wire, {"operation": "GetObject", "slow": 1 << 20})
    assert len(wire.call("GET", "a").content) == 100_000


def test_several_rules_are_added_up(wire: Wire) -> None:
    faults(wire, {"clock_shift": 1}, {"operation": "PutObject", "error": {"status": 418, "code": "First"}},
           {"error": {"status": 500, "code": "Second"}})  # fmt: skip
    assert b"<Code>First</Code>" in wire.call("PUT", "a", content=b"x").content
    assert applied(wire) == [1, 1, 1]


def test_nobody_sets_faults_unless_the_server_was_started_so(oss_server: LocalServer) -> None:
    answer = http.put(f"{oss_server.url}/-/faults", json=[])
    assert (answer.status_code, "--allow-faults" in answer.text) == (403, True)


def test_a_web_site_that_resolves_to_this_machine_sets_no_faults(server: LocalServer) -> None:
    body = b'[{"reset": "before"}]'
    head = (
        f"PUT /-/faults HTTP/1.1\r\nHost: evil.example.com\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    assert raw(server, head.encode() + body).startswith(b"HTTP/1.1 403")
    preflight = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "PUT"}
    assert "Access-Control-Allow-Origin" not in http.options(f"{server.url}/-/faults", headers=preflight).headers


def test_there_are_no_other_pages(server: LocalServer) -> None:
    assert http.get(f"{server.url}/-/secrets").status_code == 404
    assert http.post(f"{server.url}/-/faults").status_code == 405


@pytest.mark.parametrize(
    "rules",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[1]",
        b"[{}]",
        b'[{"operation": "PutObject"}]',
        b'[{"error": 500}]',
        b'[{"error": {"status": 200}}]',
        b'[{"error": {"status": 500, "headers": {"a\\nb": "c"}}}]',
        b'[{"error": {"status": 500, "headers": {"a": "c\\r\\nd: e"}}}]',
        b'[{"delay": -1}]',
        b'[{"delay": 1e400}]',
        b'[{"delay": true}]',
        b'[{"reset": "after"}]',
        b'[{"slow": 0.5}]',
        b'[{"probability": 2, "delay": 1}]',
        b'[{"part_number": "2", "delay": 1}]',
        b'[{"delay": 1, "typo": 1}]',
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(server: LocalServer, rules: bytes) -> None:
    with pytest.raises(InvalidRules):
        parse(rules)
    answer = http.put(f"{server.url}/-/faults", content=rules)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_rules_come_from_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"rules": [{"operation": "PutObject", "count": 1, "error": {"status": 500}}]}))
    with LocalServer(tmp_path / "root", ["--faults", str(path)]) as server, Wire(server, server.bucket) as wire:
        assert [wire.call("PUT", "a", content=b"x").status_code for _ in range(2)] == [500, 200]
        assert http.get(f"{server.url}/-/faults").status_code == 403
    with pytest.raises(InvalidRules):
        load(tmp_path / "nothing.json")


def test_a_fault_that_nothing_matches_is_no_fault() -> None:
    rules = Faults(parse(b'[{"operation": "UploadPart", "part_number": [1, 3], "delay": 9}]'))
    assert [rules.effects_on("UploadPart", "k", number).delay for number in ("1", "2", "3", "")] == [9, 0, 9, 0]


def test_the_server_lives_on(wire: Wire) -> None:
    faults(wire, {"operation": "PutObject", "reset": "middle", "count": 30})
    for _ in range(30):
        with suppress(httpx.TransportError):
            wire.call("PUT", "a", content=bytes(200_000))
    assert result(wire.call("GET"), "ListBucketResult") is not None
