"""Checks that OSS reaches the URL of a destination's callback."""

import uuid
from contextlib import suppress

from uploads.connection import oss_client
from uploads.domain.destination import Destination, callback_parameters
from uploads.domain.places import Place
from uploads.operations.doctor.finding import Finding, failed
from uploads.oss import callback
from uploads.oss.errors import StorageError
from uploads.services.callback import probe


def check_callback(place: Place, destination: Destination) -> Finding:
    """Writes an empty object with the destination's callback, reads what OSS reports, and deletes the object."""
    name = f"callback of {destination.name}"
    key = f"{destination.prefixes[-1]}doctor-{uuid.uuid4().hex}"
    parameters, _ = callback.encode(callback_parameters(destination.callback or {}, {}))
    variables = callback.encoded(probe())
    headers = {"x-oss-callback": parameters, "x-oss-callback-var": variables}
    try:
        stored = oss_client(place).put_object(place.bucket, key, b"", headers)
    except StorageError as error:
        return failed(name, error)
    finally:
        with suppress(StorageError):
            oss_client(place).delete_object(place.bucket, key)
    report = stored.callback or {"ok": True}
    message = str(report.get("message", ""))
    if report["ok"] or message == "Error status : 404.":
        # Our own endpoint accepted the signature. It answers 404 because there is no such upload.
        return Finding("ok", name, "OSS reaches it")
    if message == "Error status : 403.":
        cure = "Add the URL prefix of OSS's public key to OSS_CALLBACK_KEY_URLS."
        return Finding("FAIL", name, "OSS reaches it, but it rejects OSS's signature", cure)
    cure = "Check that the url is right, is open to OSS's addresses, and answers 200 with JSON within 5 s."
    return Finding("FAIL", name, f"OSS reports: {message}", cure)
