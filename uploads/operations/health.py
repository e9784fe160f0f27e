"""For those who keep it running: is it alive, is it ready, what does it do.

Rule: cheap enough to be asked every few seconds, and silent about anything but itself.
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
    """The process answers."""
    return JsonResponse({"live": True})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """It can do its work; 503 with the reasons where it cannot."""
    reasons = list(_reasons())
    return JsonResponse({"live": True, "ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


def _reasons() -> Iterator[str]:
    """Without a secret, an address or a stack: whoever asks may be anybody."""
    if any(message.is_serious() for message in run_checks(tags=["uploads"])):
        yield "settings: something is missing or malformed; manage.py check tells what"
    try:
        Upload.objects.only("pk").first()
    except DatabaseError:
        yield "database: it cannot be used, or is not migrated"
    mark = uuid.uuid4().hex
    try:
        cache.set("uploads:ready", mark, 10)
        kept = cache.get("uploads:ready") is not None
    except Exception:  # whatever a cache's client raises
        kept = False
    if not kept:
        yield "cache: it cannot be used"


class _Uploads(Collector):
    """How many uploads there are, counted when asked."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        uploads = GaugeMetricFamily("uploads", "Uploads by state and destination.", labels=["state", "destination"])
        size = GaugeMetricFamily(
            "uploads_bytes_done", "Bytes that have arrived, of those unfinished.", labels=["destination"]
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
    """Prometheus text. With METRICS_TOKEN set, for its bearer alone."""
    token = settings.text("METRICS_TOKEN")
    given = request.headers.get("Authorization", "")
    if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return HttpResponseForbidden("The bearer token of METRICS_TOKEN is wanted.\n", content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_Uploads())
    try:
        counted = generate_latest(registry)
    except DatabaseError:
        connection.close()
        return HttpResponse("The database cannot be used.\n", status=503, content_type="text/plain")
    return HttpResponse(counted + generate_latest(_processes()), content_type=CONTENT_TYPE_LATEST)


def _processes() -> CollectorRegistry:
    """This process's figures, or with PROMETHEUS_MULTIPROC_DIR those of all workers."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


urlpatterns = [
    path("healthz", ready, name="healthz"),
    path("healthz/live", live, name="live"),
    path("healthz/ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
