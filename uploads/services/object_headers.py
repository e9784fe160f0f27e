"""The headers that an upload's object gets from this site, whoever writes it."""

from collections.abc import Mapping
from typing import Any

from uploads.domain import options
from uploads.models import Upload


def object_headers(upload: Upload) -> dict[str, str]:
    """The headers of the object that the browser writes, for InitiateMultipartUpload or the request of a small file."""
    return _headers(upload, upload.transfer_options)


def final_headers(upload: Upload) -> dict[str, str]:
    """The headers of the copy that a staged upload ends with, for CopyObject or InitiateMultipartUpload."""
    return _headers(upload, upload.options)


def _headers(upload: Upload, chosen: Mapping[str, Any]) -> dict[str, str]:
    return options.object_headers(
        chosen,
        filename=upload.filename,
        content_type=upload.content_type,
        metadata=upload.metadata,
        begun=upload.created_at,
    )
