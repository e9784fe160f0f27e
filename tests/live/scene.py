"""What a statement uses: requests to the target, below a prefix of its own, and what most statements begin with."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import httpx

from tests.live.answers import Answer, Recorded, Redaction
from tests.live.target import Target
from tests.localoss import v1_client
from uploads.oss import messages, signing, sts
from uploads.oss.endpoint import Endpoint
from uploads.oss.limits import MIN_PART_SIZE
from uploads.oss.messages import Part
from uploads.oss.signing import Credentials, OssRequest, SigningContext
from uploads.oss.sts import AssumeRole

if TYPE_CHECKING:
    from tests.live.bucket import Settings

LIMIT_SECONDS = 60.0
UNKNOWN_UPLOAD = "0004B9894A22E5B1888A1E29F8236E2D"
SMALL = b"Hello, OSS."

VOLATILE_PARAMETERS = {"continuation-token", "upload-id-marker", "versionId"}
"""Parameters that OSS made. A recording names them without their values."""

Signature = Literal["v4", "url", "v1", "v1-url", "none"]


class Unprepared(Exception):
    """A request that only prepares a statement was refused. The message holds the answer, redacted."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `query` and `headers` are signed; `unsigned` headers are added after that, or removed with None.

    `ago` shifts the time of signing, in seconds. `rewrite` changes the query of the URL after signing. `public` sends
    it to the address that browsers use, `bucket` to another bucket.
    """

    method: str
    key: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Iterable[bytes] = b""
    signature: Signature = "v4"
    unsigned: Mapping[str, str | None] = field(default_factory=dict)
    additional: tuple[str, ...] = ()
    ago: int = 0
    expires: int = 600
    credentials: Credentials | None = None
    region: str = ""
    product: str = "oss"
    rewrite: Callable[[str], str] = str
    public: bool = False
    bucket: str = ""


@dataclass
class Usage:
    """What the bill depends on. Answers of 4xx and 5xx are not charged.

    Manual, "Request fees": https://www.alibabacloud.com/help/doc-detail/173536.htm
    """

    requests: int = 0
    charged: int = 0
    sent: int = 0
    received: int = 0


class Scene:
    """The place of one statement: its keys lie below `folder`."""

    def __init__(self, target: Target, http: httpx.Client, folder: str, usage: Usage) -> None:
        self.target, self.folder, self.usage = target, folder, usage
        self._http = http
        self._known: dict[str, str] = {}
        self.settings: Settings

    # Requests

    def send(self, method: str, key: str = "", **more: Any) -> Answer:
        """The answer to a request for a key below the statement's folder or, with an empty key, for the bucket."""
        return self.ask(Ask(method, self.key(key) if key else "", **more))

    def ask(self, ask: Ask) -> Answer:
        """The answer to a request whose key stands as it is."""
        endpoint, bucket = self._endpoint(ask), ask.bucket or self.target.bucket
        url, headers = self._signed(ask, endpoint.url_of(bucket, ask.key), bucket)
        for name, value in ask.unsigned.items():
            headers = {given: text for given, text in headers.items() if given.lower() != name.lower()}
            headers |= {} if value is None else {name: value}
        address, _, query = url.partition("?")
        query = ask.rewrite(query)
        parts = urlsplit(address)
        target = parts.path + (f"?{query}" if query else "")
        query_shown = (
            (name, f"{{{name}}}" if value and name in VOLATILE_PARAMETERS else value) for name, value in ask.query
        )
        named = "&".join(f"{name}={value}" if value else name for name, value in query_shown)
        shown = f"{ask.method} /{bucket}/{ask.key}" + (f"?{named}" if named else "")
        return self.exchange(ask.method, f"{parts.scheme}://{parts.netloc}", target, headers, ask.content, shown)

    def exchange(
        self, method: str, origin: str, target: str, headers: Mapping[str, str], content: bytes | Iterable[bytes],
        shown: str = "",
    ) -> Answer:  # fmt: skip
        """The answer to exactly this request line."""
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        # Raw: what is stored with a Content-Encoding need not be encoded so.
        with self._http.stream(
            method, origin, headers=pairs, content=content, extensions={"target": target.encode()}
        ) as response:
            received = b"".join(response.iter_raw())
        self.usage.requests += 1
        self.usage.charged += response.status_code < 400
        self.usage.sent += len(content) if isinstance(content, bytes) else 0
        self.usage.received += len(received)
        return Answer(shown or f"{method} {target}", response.status_code, response.headers, received)

    def _endpoint(self, ask: Ask) -> Endpoint:
        return self.target.public if ask.public else self.target.endpoint

    def context(self, ask: Ask) -> SigningContext:
        """Who signs a request, where and when."""
        now = datetime.now(UTC) - timedelta(seconds=ask.ago)
        credentials = ask.credentials or self.target.credentials
        return SigningContext(credentials, ask.region or self.target.region, now, ask.product)

    def form(self, content_type: str, content: bytes) -> Answer:
        """The answer to a form, as a browser sends it."""
        headers = {"Content-Type": content_type}
        return self.ask(Ask("POST", headers=headers, content=content, signature="none", public=True))

    def assume_role(self, request: AssumeRole) -> Answer:
        """The answer of STS."""
        origin = self.target.sts
        query, headers = sts.sign_assume_role(
            self.target.credentials, request, urlsplit(origin).netloc, datetime.now(UTC), secrets.token_hex(8)
        )
        return self.exchange("POST", origin, f"/?{query}", headers, b"", "POST / AssumeRole")

    def temporary(self, request: AssumeRole) -> Credentials:
        """Temporary credentials."""
        issued = sts.parse_assume_role(self.need(self.assume_role(request)).content).credentials
        self._known |= {issued.access_key_id: "{key-id}", issued.security_token or "": "{token}"}
        return issued

    def context_now(self) -> SigningContext:
        """Who signs, at this moment."""
        return self.context(Ask("GET"))

    def presigned_query(self, method: str, key: str) -> str:
        """The query of a presigned URL."""
        return signing.presign(self.context_now(), OssRequest(method, self.target.bucket, self.key(key)), "", 600)[1:]

    def http_date(self) -> str:
        """This moment, as HTTP writes it."""
        return format_datetime(datetime.now(UTC), usegmt=True)

    def _signed(self, ask: Ask, url: str, bucket: str) -> tuple[str, dict[str, str]]:
        context = self.context(ask)
        request = OssRequest(ask.method, bucket, ask.key, list(ask.query), ask.headers, ask.additional)
        if ask.signature == "url":
            return signing.presign(context, request, url, ask.expires), dict(ask.headers)
        if ask.signature == "v1-url":
            end = int(context.now.timestamp()) + ask.expires
            return v1_client.presign(context.credentials, request, url, end), dict(ask.headers)
        headers = dict(ask.headers)
        if ask.signature == "v4":
            headers = signing.authorization(context, request)
        elif ask.signature == "v1":
            headers = v1_client.authorization(context.credentials, request, context.now)
        return (f"{url}?{signing.canonical_query(ask.query)}" if ask.query else url), headers

    # What statements begin with

    def key(self, name: str) -> str:
        """The whole key of an object of this statement."""
        return f"{self.folder}{name}"

    def need(self, answer: Answer) -> Answer:
        """The answer, which must be a success. Raises Unprepared."""
        if answer.status >= 300:
            raise Unprepared(self.redaction().text(answer.summary()))
        return answer

    def put(self, key: str, content: bytes = SMALL, headers: Mapping[str, str] | None = None) -> Answer:
        """Store an object."""
        return self.need(self.send("PUT", key, content=content, headers=headers or {}))

    def initiate(self, key: str, headers: Mapping[str, str] | None = None, query: tuple[str, ...] = ()) -> str:
        """Start a multipart upload; its id."""
        asked = (("uploads", ""), *((name, "") for name in query))
        upload = self.need(self.send("POST", key, query=asked, headers=headers or {})).text("UploadId")
        self._known[upload] = "{upload-id}"
        return upload

    def part(self, key: str, upload: str, number: int | str, content: bytes = SMALL, **more: Any) -> Answer:
        """Send a part, and return the answer whatever it is."""
        query = (("partNumber", str(number)), ("uploadId", upload))
        return self.send("PUT", key, query=query, content=content, **more)

    def parts(self, key: str, upload: str, contents: Iterable[bytes], first: int = 1) -> list[Part]:
        """Send parts, numbered from `first`."""
        sent = []
        for number, content in enumerate(contents, first):
            answer = self.need(self.part(key, upload, number, content))
            sent.append(Part(number, messages.bare(answer.headers["ETag"]), len(content)))
        return sent

    def complete(self, key: str, upload: str, body: bytes | list[Part], **more: Any) -> Answer:
        """Complete a multipart upload, and return the answer whatever it is."""
        content = body if isinstance(body, bytes) else messages.build_complete(body)
        query = (("uploadId", upload), *more.pop("query", ()))
        return self.send("POST", key, query=query, content=content, **more)

    def uploaded(self, key: str, contents: Iterable[bytes], headers: Mapping[str, str] | None = None) -> Answer:
        """Store an object by a multipart upload."""
        upload = self.initiate(key, headers)
        return self.need(self.complete(key, upload, self.parts(key, upload, contents)))

    # Recording

    def redaction(self) -> Redaction:
        """How answers to this statement are made fit to be shown."""
        target, given = self.target, self.target.credentials
        account = target.role_arn.split(":")[3] if target.role_arn else ""
        known = {
            self.folder: "{folder}",
            self.folder.rstrip("/"): "{folder}",
            target.bucket: "{bucket}",
            given.access_key_id: "{key-id}",
            given.access_key_secret: "{secret}",
            given.security_token or "": "{token}",
            target.role_arn: "{role}",
            target.region: "{region}",
            account: "{account}",
            **self._known,
        }
        addresses = {}
        for endpoint in (target.public, target.endpoint):
            host = urlsplit(endpoint.url).netloc
            addresses |= {host: "{endpoint}", f"oss-{target.region}": "{location}"}
            for text in (endpoint.url_of(target.bucket), endpoint.origin(target.bucket) + "/"):
                addresses[text.partition("://")[2]] = "{address}/"
        return Redaction(known, addresses)

    def recorded(self, answer: Answer) -> Recorded:
        """The answer in the form that is judged, recorded and compared."""
        return self.redaction().recorded(answer)


def piece(seed: int, size: int = MIN_PART_SIZE) -> bytes:
    """The content of a part: the same for the same seed."""
    return (b"%08d" % seed * (size // 8 + 1))[:size]


def md5(content: bytes) -> str:
    """The value of Content-MD5."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def stranger(credentials: Credentials, **other: str) -> Credentials:
    """The credentials with something changed."""
    return replace(credentials, **other)
