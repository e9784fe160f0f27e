"""Why a page cannot reach OSS: the backend tries the same address as the page does, and then its own."""

import logging
from collections.abc import Sequence

from uploads.conf import settings
from uploads.domain import diagnosis
from uploads.domain.diagnosis import Diagnosis, Verdict
from uploads.domain.errors import InvalidUpload, from_storage
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place
from uploads.domain.states import State
from uploads.models import Method, Upload
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import StorageError
from uploads.oss.signing import OssRequest
from uploads.services.common import require
from uploads.services.transactions import browser_client, oss_client

logger = logging.getLogger(__name__)


def diagnose(upload: Upload, origin: str, headers: Sequence[str] = (), *, number: int = 0) -> Diagnosis:
    """What keeps a page of `origin` from sending this upload's bytes with these headers.

    `number`: the index of the address among those of the upload. Two requests to it change nothing at OSS: one that
    lists parts or describes the object, presigned as for the page, and a CORS preflight. They are sent to the server's
    own address if that one cannot be reached. Raises WrongState unless the upload is `uploading`, UploadGone if OSS
    does not know it, and InvalidUpload for an address that it does not have.
    """
    require(upload, State.UPLOADING)
    place = settings.place_of(upload)
    if number >= len(place.addresses):
        why = Phrase("The upload has no address {number}.", number=number)
        raise InvalidUpload(why, errors={"address": [why]})
    endpoint = place.addresses[number]
    found = _diagnosed(upload, place, endpoint, origin, headers)
    if number and found.verdict != Verdict.REACHABLE:
        # Uploads continue by other addresses, so that nobody sees a page that fails.
        logger.warning(
            "%s is not used: %s %s",
            endpoint.origin(upload.bucket), found.code, found.cure,
            extra={"event": "address_left_out", "upload": str(upload.pk), "oss_request_id": found.request_id},
        )  # fmt: skip
    return found


def _diagnosed(upload: Upload, place: Place, endpoint: Endpoint, origin: str, headers: Sequence[str]) -> Diagnosis:
    address = endpoint.origin(upload.bucket)
    found = _tried(browser_client(place, endpoint), upload, address, origin, headers)
    if found.verdict != Verdict.UNREACHABLE or place.internal_endpoint == endpoint:
        return found
    # The server may have no way to the Internet. Keys, policies and CORS rules are the same at its own address.
    behind = _tried(oss_client(place), upload, address, origin, headers)
    match behind.verdict:
        case Verdict.REACHABLE:
            return diagnosis.unknown(address)
        case Verdict.UNREACHABLE:
            return found
    return behind


def _tried(client: OssClient, upload: Upload, address: str, origin: str, headers: Sequence[str]) -> Diagnosis:
    """What the two requests of this client find. Raises UploadGone."""
    try:
        _request_as_page(client, upload, origin)
        key = "" if upload.method == Method.POST else upload.key
        method = "POST" if upload.method == Method.POST else "PUT"
        allowed = client.preflight(OssRequest(method, upload.bucket, key), origin, headers)
    except StorageError as error:
        error.setting_names = client.setting_names
        if error.code == "NoSuchUpload":
            raise from_storage(error) from error
        return diagnosis.refused(error, address, origin)
    return diagnosis.reachable(address) if allowed else diagnosis.not_allowed(origin)


def _request_as_page(client: OssClient, upload: Upload, origin: str) -> None:
    """ListParts of a multipart upload, HeadObject of a file in one request, which need not exist."""
    if upload.method == Method.MULTIPART:
        query = [("uploadId", upload.upload_id), ("max-parts", "1")]
        client.presigned("ListParts", OssRequest("GET", upload.bucket, upload.key, query), origin)
        return
    try:
        client.presigned("HeadObject", OssRequest("HEAD", upload.bucket, upload.key), origin)
    except StorageError as error:
        if error.code != "NoSuchKey":
            raise
