"""The OpenAPI schema of the app, and the pages to read and try it. Off unless a project includes this module:

    path("api/", include("uploads.api.schema"))     # schema/ and docs/, in the namespace `uploads_schema`

Rule: it shows the routes of the app alone, wherever they are included, and none of the project's. Nothing that the
project sets in SPECTACULAR_SETTINGS for its own schema is changed, not even for a moment.
"""

from threading import Lock
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpResponse
from django.urls import path
from django.utils import translation
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.plumbing import alpha_operation_sorter, normalize_result_object, sanitize_result_object
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request

from uploads import __version__
from uploads.conf import settings
from uploads.services.transactions import without_atomic_requests
from uploads.web.framework import OWN_SETTINGS, ConfiguredAuthentication, Negotiation
from uploads.web.problems import problem_handler
from uploads.web.views import UploadsAPIView

INFO = {
    "title": "OSS Uploads",
    "version": __version__,
    "description": "Uploads of files of any size from a web page straight to Alibaba Cloud OSS.",
}


class _OwnEndpoints(EndpointEnumerator):
    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> Any:
        return sorted(self._get_api_endpoints(patterns, prefix), key=alpha_operation_sorter)  # type: ignore[no-untyped-call]

    def should_include_endpoint(self, path: str, callback: Any) -> bool:
        view = getattr(callback, "cls", None)
        ours = isinstance(view, type) and issubclass(view, UploadsAPIView)
        return ours and super().should_include_endpoint(path, callback)


_building = Lock()
"""drf-spectacular loads its extensions when it first builds a schema, and fails when two threads do that at once."""


class OwnGenerator(SchemaGenerator):
    endpoint_inspector_cls = _OwnEndpoints

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.coerce_path_pk = True

    def get_schema(self, request: Any = None, public: bool = True) -> Any:
        """The schema, with the app's own title, and without what the project adds to its own by settings and hooks."""
        with _building:
            reset_generator_stats()
            paths = self.parse(request, public)  # type: ignore[no-untyped-call]
            components = self.registry.build({})
        made = {"openapi": spectacular_settings.OAS_VERSION, "info": INFO, "paths": paths, "components": components}
        return sanitize_result_object(normalize_result_object(made))  # type: ignore[no-untyped-call]


class _OwnSettings:
    """What `UploadsAPIView` has, for the views of drf-spectacular.

    Its SERVE_PERMISSIONS and SERVE_AUTHENTICATION apply: they say who may read schemas in this project.
    """

    settings: Any = OWN_SETTINGS
    authentication_classes: Any = (
        ConfiguredAuthentication()
        if spectacular_settings.SERVE_AUTHENTICATION is None
        else spectacular_settings.SERVE_AUTHENTICATION
    )
    throttle_classes: Any = ()
    content_negotiation_class: Any = Negotiation
    versioning_class: Any = None
    schema: Any = None

    def get_exception_handler(self) -> Any:
        return problem_handler


_making = Lock()
_made: dict[tuple[Any, ...], dict[str, bytes]] = {}
"""The schema by format, for these settings, which a process changes in tests only."""


def rendered(format_name: str) -> bytes:
    """The schema as YAML or JSON, in English for every reader: generated clients must not depend on a language.

    It takes seconds to make. A process makes it once, while other requests for it wait.
    """
    key = (django_settings.ROOT_URLCONF, settings.authentication_classes)
    with _making:
        if key not in _made:
            with translation.override("en"):
                _made[key] = _formats(OwnGenerator().get_schema())
        return _made[key][format_name]


def _formats(document: Any) -> dict[str, bytes]:
    renderers: tuple[Any, ...] = (OpenApiYamlRenderer(), OpenApiJsonRenderer())
    return {renderer.format: renderer.render(document, renderer_context={}) for renderer in renderers}


class SchemaView(_OwnSettings, SpectacularAPIView):
    """The schema, the same for every reader: `lang` and `version`, which drf-spectacular knows, are ignored."""

    renderer_classes = [OpenApiYamlRenderer, OpenApiYamlRenderer2, OpenApiJsonRenderer, OpenApiJsonRenderer2]

    def get(self, request: Request, *_: Any, **__: Any) -> HttpResponse:
        renderer: Any = request.accepted_renderer
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        return HttpResponse(
            rendered(renderer.format),
            content_type=f"{renderer.media_type}{charset}",
            headers={"Content-Disposition": f'inline; filename="schema.{renderer.format}"'},
        )


class DocsView(_OwnSettings, SpectacularSwaggerView):
    """Swagger UI. Its template and its scripts come from `drf_spectacular` and `drf_spectacular_sidecar`."""

    renderer_classes = [TemplateHTMLRenderer]
    title = INFO["title"]
    url = "../schema/"


app_name = "uploads_schema"
urlpatterns = [
    path("schema/", without_atomic_requests(SchemaView.as_view()), name="schema"),
    path("docs/", without_atomic_requests(DocsView.as_view()), name="docs"),
]
