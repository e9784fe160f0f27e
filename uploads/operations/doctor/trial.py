"""Uploads that the doctor makes for a destination, as the server and a page make them: parts, a form, a read, an abort.

Rule: the page's requests go to the address that browsers use, and everything else to that of the server. Whatever was
made is removed again, also after an error or an interruption.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from uploads.connection import oss_client, oss_clock
from uploads.domain import options
from uploads.domain.destination import Destination
from uploads.domain.keys import own_prefix
from uploads.domain.places import Place
from uploads.operations.doctor.finding import CONFIGURE, SITE_POLICY, Finding, failed
from uploads.oss import post
from uploads.oss.browser import CorsRefused, Page
from uploads.oss.client import OssClient
from uploads.oss.errors import Malformed, OssError, StorageError, Unreachable
from uploads.oss.messages import Completed
from uploads.oss.signing import OssRequest, PartRequest, PartSigner, SigningContext, presign
from uploads.services.session_policies import issues_for_prefix

CONTENT = b"doctor"
URL_SECONDS = 60
NOT_READABLE = ("Archive", "ColdArchive", "DeepColdArchive")
"""Storage classes whose objects cannot be read before they are restored."""
KMS_CURE = "Activate Key Management Service (KMS) for the account, or remove encryption from the destination."
DOMAIN_CURE = (
    "Bind a domain of your own to the bucket. Set OSS_ENDPOINT to it, OSS_ADDRESSING to cname and "
    "OSS_INTERNAL_ENDPOINT to the region's endpoint, for the server's own requests."
)
ADDRESS_CURE = (
    "Set OSS_ENDPOINT and OSS_ADDRESSING to an address of this bucket: it may lead to another bucket, or something on "
    "the way changes requests. The server's own requests are accepted."
)
CURES = {
    "KmsServiceNotEnabled": KMS_CURE,
    "PublicEndpointForbidden": DOMAIN_CURE,
    "SecondLevelDomainForbidden": "Set OSS_ADDRESSING to virtual: OSS takes the bucket in the host name only.",
}
"""OSS's error code → the fix, where it depends on the upload."""


@dataclass
class Trial:
    """One destination at its place, and the page that uploads."""

    place: Place
    destination: Destination
    page: Page
    _objects: list[str] = field(default_factory=list)
    _uploads: list[tuple[str, str]] = field(default_factory=list)

    @property
    def client(self) -> OssClient:
        """The client of the server."""
        return oss_client(self.place)

    @property
    def bucket(self) -> str:
        return self.place.bucket

    @property
    def chosen(self) -> dict[str, object]:
        """The options of the objects that a page writes."""
        given = self.destination.options
        return options.staged(given) if self.destination.stage else given

    def key(self) -> str:
        """A new key where the page writes."""
        destination = self.destination
        prefix = destination.prefixes[-1]
        if issues_for_prefix(destination):
            values = dict.fromkeys(destination.key_values, "doctor")
            prefix = own_prefix(destination.key, "doctor", values) or prefix
        key = f"{prefix}doctor-{uuid.uuid4().hex}"
        self._objects.append(key)
        return key

    def headers(self) -> dict[str, str]:
        """The headers of the object when an upload begins."""
        return options.object_headers(
            self.chosen,
            filename="doctor.txt",
            content_type="text/plain",
            metadata={},
            begun=datetime.now(UTC),
        )

    def begin(self) -> tuple[str, str]:
        """Begins a multipart upload as the server does. Returns the key and the upload id."""
        key = self.key()
        upload_id = self.client.initiate(self.bucket, key, self.headers())
        self.remember(key, upload_id)
        return key, upload_id

    def remember(self, key: str, upload_id: str) -> None:
        """Have this multipart upload aborted at the end, if it is still open."""
        self._uploads.append((key, upload_id))

    def send_part(self, key: str, upload_id: str, context: SigningContext) -> None:
        """Sends the only part by a presigned URL. Raises CorsRefused if the page cannot read its ETag."""
        query = [("uploadId", upload_id), *options.traffic(self.chosen).items()]
        request, url = OssRequest("PUT", self.bucket, key, query), self.place.endpoint.url_of(self.bucket, key)
        signer = PartSigner(context, request, url, URL_SECONDS)
        answer = self.page.send("UploadPart", "PUT", signer.url(PartRequest(1, len(CONTENT))), content=CONTENT)
        if "etag" not in answer.headers:
            raise CorsRefused("ETag is not exposed: pages cannot read it.", operation="UploadPart")

    def complete(self, key: str, upload_id: str) -> Completed:
        """Completes it as the server does. Returns the object."""
        parts = self.client.list_parts(self.bucket, key, upload_id)
        self.client.complete(self.bucket, key, upload_id, parts, options.completion_headers(self.chosen))
        return self.client.head(self.bucket, key)

    def read(self, key: str) -> None:
        """Reads the first two bytes by a presigned URL. Raises Malformed for other bytes."""
        url = self.place.endpoint.url_of(self.bucket, key)
        signed = presign(self.client.context(), OssRequest("GET", self.bucket, key), url, URL_SECONDS)
        answer = self.page.send("GetObject", "GET", signed, {"Range": "bytes=0-1"})
        if answer.content != CONTENT[:2]:
            raise Malformed("A read of two bytes returned something else.", operation="GetObject")

    def send_form(self) -> None:
        """Sends a file in one request: by PostObject, or by PutObject where a form cannot carry the options."""
        key, sent = self.key(), {**self.headers(), **options.completion_headers(self.chosen)}
        context = self.client.context()
        if not options.fits_a_form(self.chosen):
            request = OssRequest("PUT", self.bucket, key, headers=sent, additional=[*sent])
            url = presign(context, request, self.place.endpoint.url_of(self.bucket, key), URL_SECONDS)
            self.page.send("PutObject", "PUT", url, sent, CONTENT)
            return
        content_type = sent.pop("Content-Type")
        fields = {"key": key, "x-oss-content-type": content_type, options.OBJECT_ACL: "default", **sent}
        fields["success_action_status"] = "200"
        signed = post.signed_fields(context, self.bucket, fields, (0, len(CONTENT)), URL_SECONDS)
        self.page.send_form(self.place.endpoint.url_of(self.bucket), signed, CONTENT)

    def clean_up(self) -> None:
        """Removes what was made. Raises the first error, after everything was tried."""
        errors: list[StorageError] = []
        steps: list[Callable[[], object]] = [
            *(lambda each=each: self.client.abort(self.bucket, *each) for each in self._uploads),
            *(lambda key=key: self.client.delete_object(self.bucket, key) for key in self._objects),
        ]
        for step in steps:
            try:
                step()
            except StorageError as error:
                errors.append(error)
        self._uploads.clear()
        self._objects.clear()
        if errors:
            raise errors[0]


@contextmanager
def trial(place: Place, destination: Destination, origin: str) -> Iterator[Trial]:
    """A trial that cleans up behind itself. An error of the clean-up does not hide another one."""
    with Page(origin, oss_clock(place)) as page:
        made = Trial(place, destination, page)
        try:
            yield made
        except BaseException:
            with suppress(StorageError):
                made.clean_up()
            raise
        made.clean_up()


def check_upload(place: Place, destination: Destination, origin: str) -> Finding:
    """One multipart upload, one form, one ranged read and one abort, as the server and a page of `origin` make them."""
    name = f"upload to {destination.name}"
    try:
        with trial(place, destination, origin) as made:
            key, upload_id = made.begin()
            made.send_part(key, upload_id, made.client.context())
            found = made.complete(key, upload_id)
            if found.headers.get("x-oss-storage-class", "") not in NOT_READABLE:
                made.read(key)
            made.send_form()
            made.client.abort(made.bucket, *made.begin())
    except StorageError as error:
        return failed(name, error, cure_of(error, SITE_POLICY))
    return Finding("ok", name, "a multipart upload, a form, a read and an abort worked, and left nothing")


def cure_of(error: StorageError, policy: str) -> str:
    """The fix for an error of a trial; `policy` for missing permissions; "" where the code says it."""
    if isinstance(error, CorsRefused):
        return CONFIGURE
    if isinstance(error, OssError) and error.code == "AccessDenied":
        return policy
    if isinstance(error, Unreachable):
        return "Check OSS_ENDPOINT: pages send their requests there."
    return CURES.get(error.code, "")
