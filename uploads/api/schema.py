"""The OpenAPI schema."""

from typing import Any

from django.utils import translation
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from uploads.api.schema_settings import SCHEMA_SETTINGS


class SchemaView(SpectacularAPIView):
    """The schema, in English for every reader: generated clients must not depend on a language."""

    schema = None
    custom_settings = SCHEMA_SETTINGS

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
