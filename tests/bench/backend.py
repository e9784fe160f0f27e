"""What the backend costs on PostgreSQL: signing, checkpoints, a full database beside a small one, and a whole journey.

Runs itself in a child with a PostgreSQL of its own (`tests.postgres`). The ratio is the narrowest margin of all
figures that have a limit: 1 is at the limit, more is better.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.bench.on_postgres import run_module

ROUNDS = 30
SMALL, LARGE = 1_000, 1_000_000
PARTS_OF_LARGE = 5_000_000
SECONDS = 10.0
THREADS = 4


def run() -> dict[str, Any]:
    return run_module("tests.bench.backend")


def _inside() -> dict[str, Any]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from rest_framework.test import APIClient

    from uploads.localoss.testing import LocalServer

    settings.ALLOWED_HOSTS = ["*"]
    settings.UPLOADS["METRICS_PUBLIC"] = True
    settings.UPLOADS["THROTTLES"] = dict.fromkeys(("create", "sign", "complete", "batch", "token"), "")
    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("ann", password="ann")
    api = APIClient()
    api.force_authenticate(user)
    with LocalServer() as server:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": server.url}
        figures, margins = _signing(api)
        more, margin = _growth(api, user.pk)
        figures |= more
        margins.append(margin)
        figures |= _journeys(server.url)
    return {
        "title": "what the backend costs, on PostgreSQL",
        "figures": figures,
        "ratio": min(margins),
        "goal": 1,
    }


def _median(call: Callable[[], Any]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = call()
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code < 300, answer.content
    return statistics.median(times[3:])


def _create(api: Any) -> dict[str, Any]:
    body = {"destination": "default", "filename": "film.mp4", "size": 40 * 2**30, "content_type": "video/mp4"}
    answer = api.post("/api/uploads/", body, format="json")
    assert answer.status_code == 201, answer.content
    created: dict[str, Any] = answer.json()
    return created


def _signing(api: Any) -> tuple[dict[str, str], list[float]]:
    upload = _create(api)
    base = f"/api/uploads/{upload['id']}/parts/"
    wanted = {"parts": [{"number": n} for n in range(1, 1001)]}
    bound = {"parts": [{"number": n, "size": upload["part_size"], "content_md5": "XUFAKrxLKna5cZ2REBfFkg=="}
                       for n in range(1, 1001)]}  # fmt: skip
    done = {"parts": [{"number": n, "etag": "5D41402ABC4B2A76B9719D911017C592", "size": upload["part_size"],
                       "crc64": "15355023455283213312"} for n in range(1, 1001)]}  # fmt: skip
    bare = _bare(upload)
    signed = _median(lambda: api.post(f"{base}sign/", wanted, format="json"))
    signed_bound = _median(lambda: api.post(f"{base}sign/", bound, format="json"))
    recorded = _median(lambda: api.post(base, done, format="json"))
    limit = max(25.0, 3 * bare)
    figures = {
        "1,000 URLs, bare": f"{bare:.1f} ms",
        f"1,000 URLs in one request (limit {limit:.0f})": f"{signed:.1f} ms",
        "the same, size and MD5 bound": f"{signed_bound:.1f} ms",
        "a checkpoint of 1,000 parts (limit 60)": f"{recorded:.1f} ms",
    }
    return figures, [limit / signed, 60 / recorded]


def _bare(upload: dict[str, Any]) -> float:
    from django.utils import timezone

    from uploads.conf import settings
    from uploads.oss.signing import OssRequest, PartSigner, SigningContext

    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        url = settings.endpoint.url_of(upload["bucket"], upload["key"])
        context = SigningContext(settings.credentials.credentials(), settings.region, timezone.now())
        request = OssRequest("PUT", upload["bucket"], upload["key"], [("uploadId", upload["upload_id"])])
        signer = PartSigner(context, request, url, 900)
        for _url in signer.urls(range(1, 1001)):
            pass
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


# A million uploads


def _growth(api: Any, owner: int) -> tuple[dict[str, str], float]:
    """The same calls of the same user, who has SMALL uploads in both."""
    from django.db import connection

    _fill(owner, SMALL)
    small = _calls(api)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, "
            "email, date_joined) SELECT 'u' || n, '', false, false, true, '', '', '', now() "
            "FROM generate_series(1, 1000) n"
        )
        cursor.execute("SELECT min(id) FROM auth_user WHERE username LIKE 'u%%'")
        (first,) = cursor.fetchone()
    _fill(first, LARGE - SMALL, owners=1000)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO uploads_part (upload_id, number, etag, size, crc64, recorded_at) "
            "SELECT u.id, n, '5D41402ABC4B2A76B9719D911017C592', 8388608, '7', now() FROM "
            "(SELECT id FROM uploads_upload WHERE state = 'uploading' AND parts_done = 0 LIMIT %s) u, "
            "generate_series(1, 100) n",
            [PARTS_OF_LARGE // 100],
        )
        cursor.execute("VACUUM ANALYZE")
    large = _calls(api)
    ratios = {name: large[name] / small[name] for name in small}
    counting, scrape = _scrape(api)
    figures = {
        f"{name}: {SMALL:,} uploads, {LARGE:,} (limit 1.5 x)": f"{small[name]:.1f} ms, {large[name]:.1f} ms"
        for name in small
    }
    figures[f"a scrape of /metrics, {LARGE:,} uploads (limit 50)"] = f"{scrape:.1f} ms"
    figures["counting them, which a sweep does"] = f"{counting:.0f} ms"
    return figures, min(1.5 / max(ratios.values()), 50 / scrape)


def _scrape(api: Any) -> tuple[float, float]:
    """Milliseconds: of the sweep's counting, and of one scrape."""
    from uploads.models import UploadCounts

    started = time.perf_counter()
    UploadCounts.objects.refresh()
    counting = (time.perf_counter() - started) * 1000
    return counting, _median(lambda: api.get("/metrics"))


def _fill(owner: int, count: int, owners: int = 1) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO uploads_upload (id, owner_id, state, destination, bucket, key, upload_id, method, filename, "
            "content_type, size, is_stream, part_size, fingerprint, metadata, options, secret, idempotency_key, "
            "parts_done, bytes_done, created_at, updated_at, expires_at, etag, crc64, location, relative_path, "
            "request_hash, staging_key, final_key, stage, copy_id) "
            "SELECT gen_random_uuid(), %s + n %% %s, CASE WHEN n %% 10 = 0 THEN 'uploading' ELSE 'completed' END, "
            "'default', 'demo-bucket', 'uploads/' || n, 'x', 'multipart', 'film.mp4', 'video/mp4', 20000000, false, "
            "8388608, 'f' || n, '{}', '{}', '', '', 0, 0, now() - n * interval '1 second', now(), "
            "now() + interval '7 days', '', '', '', '', '', '', '', '', '' FROM generate_series(1, %s) n",
            [owner, owners, count],
        )
        cursor.execute("ANALYZE")


def _calls(api: Any) -> dict[str, float]:
    upload = _create(api)
    base = f"/api/uploads/{upload['id']}/"
    numbers = [{"number": n} for n in range(1, 101)]
    parts = {"parts": [{"number": n, "etag": "AA", "size": upload["part_size"]} for n in range(1, 101)]}
    return {
        "list": _median(lambda: api.get("/api/uploads/")),
        "list by fingerprint": _median(lambda: api.get("/api/uploads/?fingerprint=f10&state=uploading")),
        "detail": _median(lambda: api.get(base)),
        "sign 100": _median(lambda: api.post(f"{base}parts/sign/", {"parts": numbers}, format="json")),
        "checkpoint 100": _median(lambda: api.post(f"{base}parts/", parts, format="json")),
    }


# Whole journeys over HTTP


def _journeys(oss_url: str) -> dict[str, str]:
    """create + sign + complete by gunicorn with 4 threads; parts go straight to OSS, outside the count."""
    import httpx

    from tests.stack import accepts, deliver, free_port, wait_until

    port = free_port()
    environment = {**os.environ, "BENCH_OSS_ENDPOINT": oss_url}
    command = [
        "-m",
        "gunicorn",
        "tests.bench_site:application",
        "--bind",
        f"127.0.0.1:{port}",
        "--threads",
        str(THREADS),
    ]
    site = subprocess.Popen([sys.executable, *command, "--log-level", "warning"], env=environment)
    try:
        wait_until(lambda: accepts(port), "the site to accept connections")
        base = f"http://127.0.0.1:{port}"
        token = httpx.post(f"{base}/api/token/", json={"username": "ann", "password": "ann"}).json()["token"]
        httpx.post(f"{base}/-/reset")
        done, deadline = [0] * THREADS, time.monotonic() + SECONDS

        def drive(index: int) -> None:
            body = {"destination": "default", "filename": "a.bin", "size": 9_000_000, "content_type": "video/mp4"}
            with httpx.Client(base_url=f"{base}/api/", headers={"Authorization": f"Token {token}"}, timeout=60) as api:
                while time.monotonic() < deadline:
                    upload = api.post("uploads/", json=body).raise_for_status().json()
                    signing = {"parts": [{"number": 1}, {"number": 2}]}
                    signed = api.post(f"uploads/{upload['id']}/parts/sign/", json=signing).raise_for_status().json()
                    for part, size in zip(signed["parts"], (8 << 20, 9_000_000 - (8 << 20)), strict=True):
                        assert deliver(part, bytes(size)).status_code == 200
                    api.post(f"uploads/{upload['id']}/complete/", json={}).raise_for_status()
                    done[index] += 3

        threads = [threading.Thread(target=drive, args=(index,)) for index in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = httpx.get(f"{base}/-/spent").json()
    finally:
        site.terminate()
        site.wait()
    whole = spent["whole"]
    shares = {name: spent[name] / whole * 100 for name in ("database", "oss")}
    return {
        "create + sign + complete, 4 threads": f"{sum(done) / SECONDS:.0f} requests/s beside 18 MB/s of parts each",
        "one of them, in the backend": f"{whole / spent['requests'] * 1000:.1f} ms",
        "of which Django, database, OSS": (
            f"{100 - sum(shares.values()):.0f} %, {shares['database']:.0f} %, {shares['oss']:.0f} %"
        ),
    }


if __name__ == "__main__":
    print(json.dumps(_inside()))
