"""Uploads that the doctor makes with temporary credentials, as a browser uses them.

Rule: the credentials have the session policy that users get, so that the role and the session policy are both tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from uploads.connection import oss_clock
from uploads.domain.destination import Destination
from uploads.domain.places import Place
from uploads.operations.doctor.finding import ROLE_POLICY, TRUST_POLICY, Finding, failed
from uploads.operations.doctor.trial import CONTENT, Trial, cure_of, trial
from uploads.oss import messages, sts
from uploads.oss.client import assume_role
from uploads.oss.errors import StorageError
from uploads.oss.messages import Part
from uploads.oss.signing import Credentials, OssRequest, Query, SigningContext, authorization, canonical_query
from uploads.services.session_policies import issues_for_prefix, prefix_policy, upload_policy

SESSION_SECONDS = sts.MIN_DURATION_SECONDS
SESSION_NAME = "doctor"


def check_credentials_of(place: Place, destination: Destination, origin: str) -> Finding:
    """What a browser does with the temporary credentials of this destination: a part, or a whole upload by itself."""
    name = f"temporary credentials of {destination.name}"
    role = place.role
    try:
        with trial(place, destination, origin) as made:
            if issues_for_prefix(destination):
                _upload_alone(made)
            else:
                key, upload_id = made.begin()
                policy = upload_policy(place.bucket, key, made.chosen, place.region)
                made.send_part(key, upload_id, _context(place, _issued(place, policy)))
    except StorageError as error:
        if error.operation == "AssumeRole":
            return failed(name, error, TRUST_POLICY.format(role=role) if error.code == "NoPermission" else "")
        return failed(name, error, cure_of(error, ROLE_POLICY.format(role=role)))
    return Finding("ok", name, "a browser can upload with them, and left nothing")


def _issued(place: Place, policy: str) -> Credentials:
    request = sts.AssumeRole(place.role, SESSION_NAME, SESSION_SECONDS, policy)
    return assume_role(place.sts_endpoint, place.credentials, request, clock=oss_clock(place)).credentials


def _context(place: Place, credentials: Credentials) -> SigningContext:
    return SigningContext(credentials, place.region, oss_clock(place).now())


def _upload_alone(made: Trial) -> None:
    """Begins, sends, lists, completes, reads, searches and aborts, as a client with credentials for a prefix does."""
    key = made.key()
    prefix = key[: key.rindex("/") + 1] if "/" in key else ""
    policy = prefix_policy(made.destination, made.bucket, prefix, made.place.region)
    browser = _Browser(made, _issued(made.place, policy))
    upload_id = browser.begin(key)
    browser.call("UploadPart", "PUT", key, [("partNumber", "1"), ("uploadId", upload_id)], content=CONTENT)
    listed = browser.call("ListParts", "GET", key, [("uploadId", upload_id)])
    parts: list[Part] = list(messages.parse_parts(listed).parts)
    body = messages.build_complete(parts)
    xml = {"Content-Type": "application/xml"}
    browser.call("CompleteMultipartUpload", "POST", key, [("uploadId", upload_id)], xml, body)
    browser.call("HeadObject", "HEAD", key)
    browser.call("GetObject", "GET", key, headers={"Range": "bytes=0-1"})
    browser.call("ListObjectsV2", "GET", "", [("list-type", "2"), ("prefix", prefix), ("max-keys", "1")])
    unfinished = made.key()
    browser.call("AbortMultipartUpload", "DELETE", unfinished, [("uploadId", browser.begin(unfinished))])


@dataclass(frozen=True)
class _Browser:
    """A page that signs its requests in their headers, as ali-oss does."""

    made: Trial
    credentials: Credentials

    def begin(self, key: str) -> str:
        answer = self.call("InitiateMultipartUpload", "POST", key, [("uploads", "")], self.made.headers())
        upload_id = messages.parse_initiate(answer)
        self.made.remember(key, upload_id)
        return upload_id

    def call(
        self,
        operation: str,
        method: str,
        key: str,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> bytes:
        request = OssRequest(method, self.made.bucket, key, list(query), headers or {})
        url = self.made.place.endpoint.url_of(self.made.bucket, key)
        if query:
            url = f"{url}?{canonical_query(request.query)}"
        signed = authorization(_context(self.made.place, self.credentials), request)
        return self.made.page.send(operation, method, url, signed, content).content
