"""For operators: health, metrics, signals after the commit, logs without secrets, a clean `check --deploy`."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tests import http
from tests.django_fixtures import Begin
from tests.services.test_services import send
from tests.stack import ROOT, Stack, deliver, wait_until
from uploads import services, signals
from uploads.domain.errors import UploadError
from uploads.domain.states import State
from uploads.models import Upload, UploadCounts
from uploads.models.counts import MIN_AGE
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db
SIZE = 20_000_000

# Health


def test_live_and_ready(client: Client, oss: OssClient) -> None:
    assert client.get("/healthz/live").json() == {"live": True}
    for path in ("/healthz", "/healthz/ready"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"live": True, "ready": True, "reasons": []})
        assert "no-store" in answer.headers["Cache-Control"]
    assert client.post("/healthz").status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/healthz/live", "/healthz/ready", "/metrics"])
def test_a_probe_may_name_the_address_of_a_process(client: Client, oss: OssClient, settings: Any, path: str) -> None:
    """As Kubernetes, load balancers and Prometheus do; ALLOWED_HOSTS has the name of the site alone."""
    settings.ALLOWED_HOSTS = ["uploads.example"]
    settings.UPLOADS = {**settings.UPLOADS, "METRICS_PUBLIC": True}
    answer = client.get(path, headers={"host": "10.0.0.7:8000"})
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/api/", headers={"host": "10.0.0.7:8000"}).status_code == 400


def test_not_ready_gives_reasons_without_details(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_BUCKET": "", "OSS_ACCESS_KEY_SECRET": "s3cr3t"}
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    def broken(*_: Any) -> None:
        raise DatabaseError("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr("django.db.models.query.QuerySet.first", broken)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert [reason.partition(":")[0] for reason in answer.json()["reasons"]] == ["settings", "database", "cache"]
    assert client.get("/healthz/live").status_code == 200
    assert b"10.0.0.7" not in answer.content
    assert b"s3cr3t" not in answer.content


# Metrics


TOKEN = {"Authorization": "Bearer t0ken"}


@pytest.fixture
def readable(settings: Any, oss: OssClient) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "METRICS_TOKEN": "t0ken"}


def read(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def samples(client: Client) -> dict[str, float]:
    answer = client.get("/metrics", headers=TOKEN)
    assert answer.status_code == 200
    return read(answer.content.decode())


@pytest.mark.usefixtures("readable")
def test_metrics(client: Client, begin: Begin) -> None:
    before = samples(client)
    done, upload, _ = begin(5), begin(SIZE), begin(SIZE)
    for each in (done, upload):
        send(each)
    services.complete(done)
    services.record_parts(upload, [services.DonePart(1, 8 << 20)])
    list(services.sweep())
    after = samples(client)
    assert after['uploads{"destination": "default", "state": "completed"}'] == 1
    assert after['uploads{"destination": "default", "state": "uploading"}'] == 2
    assert after['uploads_bytes_done{"destination": "default"}'] == 8 << 20

    counted_at = UploadCounts.objects.get().counted_at
    assert after["uploads_counted_timestamp_seconds{}"] == counted_at.timestamp()

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown('uploads_signatures_total{"destination": "default"}') == 4
    assert grown('uploads_oss_call_seconds_count{"code": "200", "operation": "InitiateMultipartUpload"}') == 2
    assert grown('uploads_oss_call_seconds_count{"code": "200", "operation": "HeadObject"}') == 1


def test_metrics_need_the_token_unless_they_are_public(client: Client, settings: Any) -> None:
    refused = client.get("/metrics")
    assert (refused.status_code, b"METRICS_TOKEN" in refused.content) == (403, True)
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403
    settings.UPLOADS = {**settings.UPLOADS, "METRICS_PUBLIC": True}
    assert client.get("/metrics").status_code == 200
    settings.UPLOADS = {**settings.UPLOADS, "METRICS_TOKEN": "t0ken"}
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert client.get("/metrics", headers=TOKEN).status_code == 200


@pytest.mark.usefixtures("readable")
def test_a_scrape_counts_no_uploads_and_sweeps_do_not_count_often(
    client: Client, begin: Begin, django_assert_max_num_queries: Any
) -> None:
    begin(5)
    list(services.sweep(dry_run=True))
    assert UploadCounts.objects.count() == 0
    list(services.sweep())
    begin(5)
    list(services.sweep())
    with django_assert_max_num_queries(1) as captured:
        assert samples(client)['uploads{"destination": "default", "state": "uploading"}'] == 1
    assert "uploads_uploadcounts" in captured[0]["sql"]
    UploadCounts.objects.update(counted_at=timezone.now() - MIN_AGE)
    list(services.sweep())
    assert samples(client)['uploads{"destination": "default", "state": "uploading"}'] == 2


def test_the_counters_of_several_workers_add_up(tmp_path: Path) -> None:
    """Each worker answers with the sum, also of what a worker counted that has ended, and starts from zero."""
    directory = tmp_path / "metrics"
    directory.mkdir()
    (directory / "counter_1.db").write_bytes(b"from an earlier start")
    variables = {"WEB_CONCURRENCY": "2", "PROMETHEUS_MULTIPROC_DIR": str(directory), "METRICS_TOKEN": "t0ken"}
    name, signed = 'uploads_signatures_total{"destination": "default"}', 0
    with Stack(settings="tests.unthrottled", variables=variables) as stack:

        def scraped() -> set[float]:
            url = f"{stack.site.url}/metrics"
            return {read(http.get(url, headers=TOKEN).text)[name] for _ in range(10)}

        def both_have_signed() -> bool:
            nonlocal signed
            with stack.api() as api:
                body = {"destination": "default", "filename": "a.bin", "size": SIZE, "sign": 1}
                api.post("uploads/", json=body).raise_for_status()
            signed += 1
            return len(list(directory.glob("counter_*.db"))) > 1

        wait_until(both_have_signed, "both workers to sign")
        assert scraped() == {signed}
        worker = next(directory.glob("counter_*.db")).stem.removeprefix("counter_")
        os.kill(int(worker), signal.SIGKILL)
        assert both_have_signed()
        assert scraped() == {signed}


# Signals


@pytest.fixture
def received() -> Iterator[list[tuple[str, str, str]]]:
    """What a host project receives: the signal, the state of the upload at that time, the actor."""
    signalled: list[tuple[str, str, str]] = []
    names = ("upload_created", "upload_completed", "upload_aborted", "upload_failed")
    receivers = {
        name: lambda upload, actor, name=name, **_: signalled.append(
            (name, upload.state, getattr(actor, "username", ""))
        )
        for name in names
    }
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, weak=False)
    yield signalled
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


@pytest.mark.django_db(transaction=True)
def test_signals_follow_each_change_once(begin: Begin, user: Any, received: list[Any], oss: OssClient) -> None:
    done, aborted, lost = begin(5), begin(SIZE), begin(SIZE)
    send(done)
    services.complete(done, actor=user)
    services.complete(done, actor=user)
    services.abort(aborted, actor=user)
    oss.abort(lost.bucket, lost.key, lost.upload_id)
    with pytest.raises(UploadError):
        services.complete(lost)
    assert received == [
        *[("upload_created", "uploading", "ann")] * 3,
        ("upload_completed", "completed", "ann"),
        ("upload_aborted", "aborted", "ann"),
        ("upload_failed", "failed", ""),
    ]


@pytest.mark.django_db(transaction=True)
def test_signals_wait_for_the_commit(begin: Begin, received: list[Any]) -> None:
    upload = begin(5)
    send(upload)
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        services.complete(upload)
        assert [name for name, *_ in received] == ["upload_created"]
        raise RuntimeError("the host changed its mind")
    assert [name for name, *_ in received] == ["upload_created"]
    assert Upload.objects.get(pk=upload.pk).state == State.UPLOADING


@pytest.mark.django_db(transaction=True)
def test_a_failing_receiver_does_not_disturb_the_others(
    begin: Begin, received: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> None:
        raise ValueError("a thumbnail could not be made")

    signals.upload_completed.connect(broken)
    try:
        upload = begin(5)
        send(upload)
        assert services.complete(upload).state == State.COMPLETED
    finally:
        signals.upload_completed.disconnect(broken)
    assert ("upload_completed", "completed", "") in received
    assert "a thumbnail could not be made" in caplog.text


# Logs and the whole site


SECRETS = re.compile(
    r"x-oss-signature|Signature=|security.token|demo-key-secret|CAIS|Token [0-9a-f]{20}|policy\b", re.I
)


def test_the_log_is_json_with_ids_and_without_secrets(tmp_path: Path) -> None:
    """A whole site handles uploads of each kind, credentials, a callback and refusals; then every log line is read."""
    log = tmp_path / "log"
    with Stack(log=log, level="DEBUG") as stack:
        callback = {"url": f"{stack.site.url}/api/oss/callback/"}
        stack.destinations({"default": {"callback": callback, "credentials": "prefix"}})
        with stack.api() as api:
            for size in (5, SIZE):
                body = {"destination": "default", "filename": "a.bin", "size": size, "sign": 3}
                created = api.post("uploads/", json=body).json()
                for part in created["parts"]:
                    start = (part["number"] - 1) * created["part_size"]
                    deliver(part, bytes(min(created["part_size"], size - start)))
                api.post(f"uploads/{created['id']}/credentials/")
                api.post(f"uploads/{created['id']}/complete/")
            secret = api.post("credentials/", json={}).json()
            gone = api.post("uploads/", json={**body, "size": SIZE}).json()
            oss = stack.oss()
            oss.abort(gone["bucket"], gone["key"], gone["upload_id"])
            oss.close()
            assert api.post(f"uploads/{gone['id']}/complete/").status_code == 410
            api.get(f"uploads/{gone['id']}/parts/?source=oss")
            token = api.headers["Authorization"].removeprefix("Token ")
        stack.site.kill()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    ended = [line for line in lines if line.get("event") == "finish"]
    assert created["id"] in [line["upload"] for line in ended]
    refused = [line for line in lines if line.get("code") == "NoSuchUpload"]
    assert refused
    assert all(len(line["oss_request_id"]) == 24 for line in refused)
    text = log.read_text()
    assert not SECRETS.search(text), SECRETS.search(text)
    assert secret["access_key_secret"] not in text
    assert token not in text


def test_a_stop_lets_requests_in_progress_finish(tmp_path: Path) -> None:
    """SIGTERM in the middle of a slow Complete: its answer still comes, and the process ends."""
    with Stack(oss_arguments=["--allow-faults"]) as stack, stack.api() as api:
        body = {"destination": "default", "filename": "a.bin", "size": SIZE, "sign": 3}
        created = api.post("uploads/", json=body).json()
        for part in created["parts"]:
            start = (part["number"] - 1) * created["part_size"]
            deliver(part, bytes(min(created["part_size"], SIZE - start)))
        slow = [{"operation": "CompleteMultipartUpload", "delay": 2}]
        faults = f"{stack.oss_server.url}/-/faults"
        http.put(faults, json=slow)
        answers: list[httpx.Response] = []
        caller = threading.Thread(
            target=lambda: answers.append(api.post(f"uploads/{created['id']}/complete/", timeout=http.TIMEOUT))
        )
        caller.start()
        wait_until(lambda: http.get(faults).json()["rules"][0]["applied"] == 1, "OSS to be at it")
        assert stack.site.process is not None
        stack.site.process.send_signal(signal.SIGTERM)
        caller.join()
        assert (answers[0].status_code, answers[0].json()["state"]) == (200, "completed")
        assert stack.site.process.wait(http.TIMEOUT) == 0


def test_check_deploy_is_clean() -> None:
    unset = {name for name in os.environ if name.startswith(("OSS_", "DJANGO_", "UPLOADS_", "DATABASE_", "CACHE_"))}
    environment = {name: value for name, value in os.environ.items() if name not in unset} | {
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        "DJANGO_ALLOWED_HOSTS": "uploads.example",
        "DJANGO_PROXIES": "1",
        "OSS_ENDPOINT": "https://oss-cn-hangzhou.aliyuncs.com",
        "OSS_REGION": "cn-hangzhou",
        "OSS_BUCKET": "b",
        "OSS_ACCESS_KEY_ID": "id",
        "OSS_ACCESS_KEY_SECRET": "secret",
        "METRICS_TOKEN": "t0ken",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout
