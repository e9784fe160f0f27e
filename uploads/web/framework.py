"""What the app's views would otherwise take from the project's `REST_FRAMEWORK`.

Rule: no setting of Django REST framework changes the app's answers, so that a project can set them for its own views.
One is read, because it describes the deployment: NUM_PROXIES, by the throttles.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.utils.module_loading import import_string
from rest_framework import ISO_8601, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.settings import APISettings

from uploads.conf import settings

OWN_SETTINGS = APISettings({"NON_FIELD_ERRORS_KEY": "non_field_errors"})
"""The defaults of Django REST framework. An empty dict would mean those of the project."""


class Negotiation(DefaultContentNegotiation):
    settings: Any = OWN_SETTINGS


class Renderer(JSONRenderer):
    """Compact JSON in UTF-8.

    An `indent` in the Accept header is ignored: Python indents JSON many times slower, and the answer is twice as long.
    """

    compact, ensure_ascii, strict = True, False, True

    def get_indent(self, accepted_media_type: str | None, renderer_context: Any) -> None:
        return None


class TimestampField(serializers.DateTimeField):
    """A time as ISO 8601 writes it, whatever DATETIME_FORMAT says."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format=ISO_8601, **kwargs)


FIELD_MAPPING: dict[Any, Any] = {
    **serializers.ModelSerializer.serializer_field_mapping,
    models.BigIntegerField: serializers.IntegerField,  # COERCE_BIGINT_TO_STRING would make texts of sizes.
    models.DateTimeField: TimestampField,
}
"""The fields of a ModelSerializer: numbers and times in one form."""


class ConfiguredAuthentication:
    """The attribute `authentication_classes`: those of the app's settings at the moment of each request."""

    def __get__(self, instance: object, owner: type) -> Sequence[type[BaseAuthentication]]:
        return [import_string(path) for path in settings.authentication_classes]
