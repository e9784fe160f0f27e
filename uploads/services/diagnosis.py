"""Why a page cannot reach OSS: the backend tries the same address as the page does, and then its own."""

from collections.abc import Sequence

from uploads.conf import settings
from uploads.domain import diagnosis
from uploads.domain.diagnosis import Diagnosis, Verdict
from uploads.domain.errors import from_storage
from uploads.domain.states import State
from uploads.models import Method, Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import StorageError
from uploads.oss.signing import OssRequest
from uploads.services.common import require
from uploads.services.transactions import browser_client, oss_client


def diagnose(upload: Upload, origin: str, headers: Sequence[str] = ()) -> Diagnosis:
    """What keeps a page of `origin` from sending this upload's bytes with these headers.

    Two requests to the address that browsers use change nothing at OSS: one that lists parts or describes the object,
    presigned as for the page, and a CORS preflight. They are sent to the server's own address if that one cannot be
    reached. Raises WrongState unless the upload is `uploading`, and UploadGone
    if OSS does not know it.
    """
    require(upload, State.UPLOADING)
    place = settings.place_of(upload)
    address = place.endpoint.origin(upload.bucket)
    found = _tried(browser_client(place), upload, address, origin, headers)
    if found.verdict != Verdict.UNREACHABLE or place.internal_endpoint == place.endpoint:
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
