"""Probes are answered whatever host they name.

Kubernetes, load balancers and Prometheus ask each process by its address, which nobody can list in ALLOWED_HOSTS.
Django's CommonMiddleware would answer them with 400.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from uploads.operations import health

ROUTES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    f"/{each.pattern}": each.callback for each in health.urlpatterns
}


class ProbesMiddleware:
    """Passes requests of `uploads.operations.health` to their views; none of the middleware behind it is run."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return ROUTES.get(request.path_info, self._get_response)(request)
