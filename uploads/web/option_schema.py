"""The options of an object, as a field of requests and in the API's description.

Rule: `uploads.domain.options` alone says whether a value is valid.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field

from uploads.domain import options
from uploads.oss.limits import MAX_TRAFFIC_LIMIT, MIN_TRAFFIC_LIMIT
from uploads.web.json_fields import BoundedDictField

_TEXT: dict[str, Any] = {"type": "string"}
_DISPOSITION = {**_TEXT, "enum": list(options.DISPOSITIONS)}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Properties of the object. Only those that the destination lets the client set.",
    "properties": {
        "acl": {**_TEXT, "enum": list(options.ACLS)},
        "storage_class": {**_TEXT, "enum": list(options.STORAGE_CLASSES)},
        "tagging": {"type": "object", "additionalProperties": _TEXT, "maxProperties": options.MAX_TAGS},
        "cache_control": _TEXT,
        "content_disposition": {
            "oneOf": [
                _DISPOSITION,
                {
                    "type": "object",
                    "properties": {"type": _DISPOSITION, "filename": _TEXT},
                    "required": ["type", "filename"],
                    "additionalProperties": False,
                },
            ]
        },
        "expires": {
            "description": "A date of ISO 8601, or seconds from the beginning of the upload.",
            "oneOf": [_TEXT, {"type": "integer", "minimum": 0, "maximum": options.MAX_EXPIRES}],
        },
        "encryption": {**_TEXT, "enum": list(options.ENCRYPTIONS)},
        "encryption_key_id": _TEXT,
        "data_encryption": {**_TEXT, "enum": list(options.DATA_ENCRYPTIONS)},
        "forbid_overwrite": {"type": "boolean"},
        "traffic_limit": {
            "type": "integer",
            "minimum": MIN_TRAFFIC_LIMIT,
            "maximum": MAX_TRAFFIC_LIMIT,
            "description": "bit/s of each request.",
        },
    },
    "additionalProperties": False,
}


@extend_schema_field(_SCHEMA, component_name="ObjectOptions")
class OptionsField(BoundedDictField):
    """Option → value, as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_entries=len(options.OPTIONS), **kwargs)
