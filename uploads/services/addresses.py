"""The addresses of an upload: where the browser may send its parts, or its file in one request.

Rule: they come from the settings of the upload's place, never from a client. A V4 signature is made over bucket and
key and not over the host, so that one presigned URL is valid at every address of its bucket, and at no other bucket.
Manual, "V4 signatures in presigned URLs", "Canonical URI":
https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls
"""

from uploads.conf import settings
from uploads.domain.errors import StorageRefused
from uploads.domain.states import State
from uploads.models import Upload


def addresses(upload: Upload) -> list[str]:
    """The object's URL at each address of its bucket, without a query; the first is that of the signed parts.

    Empty where there is only one, and unless the upload is `uploading`.
    """
    if upload.state != State.UPLOADING:
        return []
    try:
        place = settings.place_of(upload)
    except (StorageRefused, ValueError):
        return []  # Requests that need the place say so.
    if not place.more_endpoints:
        return []
    return [endpoint.url_of(upload.bucket, upload.key) for endpoint in place.addresses]
