"""Routes for operators: liveness, readiness and Prometheus metrics.

Rule: each may be called every few seconds; it makes no call to OSS, and its answer holds no secret, address or key.
"""

import hmac
import os
import uuid
from collections.abc import Iterator

from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from uploads.conf import settings
from uploads.models import Upload


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"live": True})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when settings, database and cache work; 503 with the reasons when one does not."""
    reasons = list(_reasons())
    return JsonResponse({"live": True, "ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def _reasons() -> Iterator[str]:
    """Why the site is not ready. Anybody may ask, so details stay in the log and in `manage.py check`."""
    if any(message.is_serious() for message in run_checks(tags=["uploads"])):
        yield "settings: a value is missing or malformed; run manage.py check"
    try:
        Upload.objects.only("pk").first()
    except DatabaseError:
        yield "database: not available, or not migrated"
    try:
        cache.set("uploads:ready", uuid.uuid4().hex, 10)
        kept = cache.get("uploads:ready") is not None
    except Exception:  # The clients of caches have no common exception.
        kept = False
    if not kept:
        yield "cache: not available"


class _Uploads(Collector):
    """The number of uploads and of their bytes, counted by a query at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        uploads = GaugeMetricFamily("uploads", "Uploads by state and destination.", labels=["state", "destination"])
        size = GaugeMetricFamily(
            "uploads_bytes_done", "Bytes uploaded so far by unfinished uploads.", labels=["destination"]
        )
        rows = Upload.objects.order_by().values_list("state", "destination").annotate(Count("id"))
        for state, destination, count in rows:
            uploads.add_metric([state, destination], count)
        active = Upload.objects.active().order_by().values_list("destination").annotate(Sum("bytes_done"))
        for destination, done in active:
            size.add_metric([destination], done or 0)
        yield uploads
        yield size


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. 403 without the bearer token when METRICS_TOKEN is set; 503 when the database does not work."""
    token = settings.metrics_token
    given = request.headers.get("Authorization", "")
    if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return HttpResponseForbidden("The bearer token of METRICS_TOKEN is required.\n", content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_Uploads())
    try:
        uploads = generate_latest(registry)
    except DatabaseError:
        connection.close()
        return HttpResponse("The database is not available.\n", status=503, content_type="text/plain")
    return HttpResponse(uploads + generate_latest(_processes()), content_type=CONTENT_TYPE_LATEST)


def _processes() -> CollectorRegistry:
    """The metrics of this process, or of all workers when PROMETHEUS_MULTIPROC_DIR is set."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


app_name = "uploads_health"
urlpatterns = [
    path("healthz", ready, name="healthz"),
    path("healthz/live", live, name="live"),
    path("healthz/ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
