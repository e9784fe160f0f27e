"""Routes for operators: liveness, readiness and Prometheus metrics.

Rule: each may be called every few seconds; it makes no call to OSS, and its answer holds no secret, address or key.
None needs the database in order to answer, so none runs in the transaction of ATOMIC_REQUESTS.
"""

import hmac
import uuid
from collections import Counter
from collections.abc import Iterator

from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from uploads.conf import settings
from uploads.domain.states import State
from uploads.models import Ending, Upload, UploadCounts, WebhookDelivery
from uploads.models.databases import database
from uploads.services.transactions import without_atomic_requests
from uploads.telemetry import shared_directory


@without_atomic_requests
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"live": True})


@without_atomic_requests
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when settings, database and cache work; 503 with the reasons when one does not."""
    reasons = list(_reasons())
    return JsonResponse({"live": True, "ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def _reasons() -> Iterator[str]:
    """Why the site is not ready. Anybody may ask, so details stay in the log and in `manage.py check`."""
    if any(message.is_serious() and not message.is_silenced() for message in run_checks(tags=["uploads"])):
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
    """The number of uploads and of their bytes, as the last sweep counted them: one row is read at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        uploads = GaugeMetricFamily("uploads", "Uploads by state and destination.", labels=["state", "destination"])
        size = GaugeMetricFamily(
            "uploads_bytes_done", "Bytes uploaded so far by unfinished uploads.", labels=["destination"]
        )
        groups, counted_at = UploadCounts.objects.latest_counts()
        unfinished: Counter[str] = Counter()
        for group in groups:
            uploads.add_metric([group["state"], group["destination"]], group["uploads"])
            if group["state"] in (State.UPLOADING, State.COMPLETING):
                unfinished[group["destination"]] += group["bytes_done"]
        for destination, done in unfinished.items():
            size.add_metric([destination], done)
        yield uploads
        yield size
        yield GaugeMetricFamily(
            "uploads_counted_timestamp_seconds",
            "When a sweep counted the uploads; 0 before the first one.",
            value=counted_at.timestamp() if counted_at else 0,
        )


class _Webhooks(Collector):
    """How many deliveries wait, and how many are dead. An index has exactly these rows."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if not settings.webhooks:
            return
        found = GaugeMetricFamily("uploads_webhooks", "Webhooks that wait, and dead ones.", labels=["ending"])
        found.add_metric(["waiting"], WebhookDelivery.objects.pending().count())
        found.add_metric(["dead"], WebhookDelivery.objects.filter(ending=Ending.DEAD).count())
        yield found


@without_atomic_requests
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. 403 without the bearer token METRICS_TOKEN, unless METRICS_PUBLIC is set; 503 when the database
    does not work."""
    if not _may_read_metrics(request):
        text = "The bearer token METRICS_TOKEN is required. To let anybody read metrics, set METRICS_PUBLIC.\n"
        return HttpResponseForbidden(text, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_Uploads())
    registry.register(_Webhooks())
    try:
        uploads = generate_latest(registry)
    except DatabaseError:
        database().close()
        return HttpResponse("The database is not available.\n", status=503, content_type="text/plain")
    return HttpResponse(uploads + generate_latest(_processes()), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.metrics_token
    if not token:
        return settings.metrics_public
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _processes() -> CollectorRegistry:
    """The metrics of this process, or of all workers when PROMETHEUS_MULTIPROC_DIR is set."""
    if shared_directory() is None:
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
