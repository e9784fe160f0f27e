"""Fields of answers whose OpenAPI schemas have names of their own."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from uploads.domain.endings import from_record
from uploads.domain.staging import Stage
from uploads.domain.states import State
from uploads.models import Method
from uploads.web import problems

_TEXT = {"type": "string"}


@extend_schema_field({**_TEXT, "enum": [state.value for state in State]}, component_name="UploadState")
class StateField(serializers.CharField):
    """The state of an upload."""


@extend_schema_field({**_TEXT, "enum": ["", *(stage.value for stage in Stage)]}, component_name="UploadStage")
class StageField(serializers.CharField):
    """The stage of a staged upload that is completing; empty otherwise."""


@extend_schema_field({**_TEXT, "enum": list(Method.values)}, component_name="UploadMethod")
class MethodField(serializers.CharField):
    """How the bytes of an upload are sent."""


@extend_schema_field({**_TEXT, "enum": ["PUT", "POST"]}, component_name="PartMethod")
class PartMethodField(serializers.CharField):
    """The HTTP method that sends a part."""


@extend_schema_field({**_TEXT, "enum": ["virtual", "path", "cname"]}, component_name="Addressing")
class AddressingField(serializers.CharField):
    """How URLs name the bucket."""


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 0})
class BytesField(serializers.IntegerField):
    """A number of bytes, which may be above 2**31."""


@extend_schema_field(
    {
        "type": "object",
        "description": "How the callback ended.",
        "properties": {
            "ok": {"type": "boolean"},
            "body": {"description": "What the application answered."},
            "code": _TEXT,
            "message": _TEXT,
            "request_id": {**_TEXT, "description": "OSS's id of the request."},
            "reported": {"type": "boolean", "description": "Only the browser said so."},
        },
        "required": ["ok"],
    },
    component_name="CallbackResult",
)
class CallbackResultField(serializers.JSONField):
    """How the callback of an upload ended."""


@extend_schema_field(
    {
        "type": "object",
        "description": "Why an upload failed; texts in the reader's language.",
        "properties": {"code": _TEXT, "title": _TEXT, "detail": _TEXT},
        "required": ["code", "title", "detail"],
    },
    component_name="RecordedError",
)
class RecordedErrorField(serializers.JSONField):
    """Why an upload failed, as the row recorded it, in the reader's language."""

    def to_representation(self, value: Any) -> Any:
        return {"code": value.get("code"), **problems.translated(from_record(value))}
