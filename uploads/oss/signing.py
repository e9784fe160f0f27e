"""OSS signature version 4: from a request to the Authorization header or to the presigned URL.

Manual, "Include a V4 signature in the Authorization header":
https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
Manual, "V4 signatures in presigned URLs":
https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls

Rule: pure functions, one for each step of the manual and named after it, so that a test can check each step. The time
is always an argument. `tests/vectors/v4_*.json` holds the signatures of four SDKs: oss2, alibabacloud-oss-v2, ali-oss
and the Go SDK V2.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from urllib.parse import quote

ALGORITHM = "OSS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
TERMINATOR = "aliyun_v4_request"

Query = Iterable[tuple[str, str]]
"""Decoded names and values. An empty value stands for a parameter without a value (`?uploads`)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair. Temporary credentials, as STS issues them, also have a `security_token`.

    `expires_at` is the time (UTC) at which OSS begins to refuse them and what they signed; None if it is not known.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a signing key: one day (UTC, YYYYMMDD), one region (`cn-hangzhou`), one product (`oss`)."""

    date: str
    region: str
    product: str = "oss"

    def __str__(self) -> str:
        """The scope as it appears in the credential and in the string to sign."""
        return f"{self.date}/{self.region}/{self.product}/{TERMINATOR}"


@dataclass(frozen=True)
class SigningContext:
    """Who signs, for which region, and when. `now` must be aware of its time zone."""

    credentials: Credentials
    region: str
    now: datetime
    product: str = "oss"

    @cached_property
    def scope(self) -> Scope:
        """The scope of this day, region and product."""
        return Scope(self.date[:8], self.region, self.product)

    def life(self, seconds: int) -> int:
        """`seconds`, or those for which the credentials are still valid if these are fewer; at least 1.

        OSS refuses a presigned URL whose token has expired: https://www.alibabacloud.com/help/en/oss/support/0002-00000007
        """
        end = self.credentials.expires_at
        return seconds if end is None else max(1, min(seconds, int((end - self.now).total_seconds())))

    @cached_property
    def date(self) -> str:
        """The value of x-oss-date."""
        return timestamp(self.now)

    def proof(self) -> dict[str, str]:
        """Signature version, credential, date and token, as a presigned URL or a form carries them."""
        fields = {
            "x-oss-signature-version": ALGORITHM,
            "x-oss-credential": f"{self.credentials.access_key_id}/{self.scope}",
            "x-oss-date": self.date,
        }
        if self.credentials.security_token:
            fields["x-oss-security-token"] = self.credentials.security_token
        return fields


@dataclass(frozen=True, slots=True)
class OssRequest:
    """A request to sign. An empty `key` means the bucket, an empty `bucket` the service.

    `additional` names the headers to sign besides those that OSS always signs. `repr` leaves out the query and the
    headers, because a callback's variables may hold a secret.
    """

    method: str
    bucket: str = ""
    key: str = ""
    query: Collection[tuple[str, str]] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    additional: Collection[str] = ()


def timestamp(now: datetime) -> str:
    """The value of x-oss-date: UTC, as 20260115T083000Z."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def percent_encode(text: str) -> str:
    """RFC 3986 over UTF-8: every character but A-Z a-z 0-9 - _ . ~ is encoded."""
    return quote(text, safe="-_.~")


def canonical_uri(bucket: str, key: str) -> str:
    """`/bucket/key` for an object, `/bucket/` for the bucket, `/` for the service, in every addressing style.

    The path is not normalized: `//`, `.` and `..` are part of the key.
    """
    if not bucket:
        return "/"
    return f"/{percent_encode(bucket)}/{quote(key, safe='/-_.~')}"


def canonical_query(query: Query) -> str:
    """The parameters, percent-encoded and then sorted by the encoded name. x-oss-signature must not be among them."""
    encoded = sorted((percent_encode(name), percent_encode(value)) for name, value in query)
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)


def is_signed_by_default(name: str) -> bool:
    """Whether a header (in lower case) is always signed, without being an additional header."""
    return name in ("content-type", "content-md5") or name.startswith("x-oss-")


def canonical_headers(headers: Mapping[str, str], additional: Iterable[str] = ()) -> tuple[str, str]:
    """The signed headers as "name:value\\n" each, and the names of the additional headers joined by ";".

    The list of additional headers leaves out the headers that are always signed and those that are not sent.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    extra = sorted({name.lower() for name in additional if not is_signed_by_default(name.lower())} & given.keys())
    signed = sorted(name for name in given if is_signed_by_default(name) or name in extra)
    return "".join(f"{name}:{given[name]}\n" for name in signed), ";".join(extra)


def canonical_request(
    method: str, uri: str, query: str, headers: str, additional: str = "", payload: str = UNSIGNED_PAYLOAD
) -> str:
    """The canonical request of six lines. `headers` ends with a newline, so an empty line follows it."""
    return f"{method}\n{uri}\n{query}\n{headers}\n{additional}\n{payload}"


def string_to_sign(request: str, date: str, scope: Scope) -> str:
    """The string to sign. `request` is the canonical request, `date` the value of x-oss-date."""
    digest = hashlib.sha256(request.encode()).hexdigest()
    return f"{ALGORITHM}\n{date}\n{scope}\n{digest}"


@lru_cache(maxsize=64)
def signing_key(access_key_secret: str, scope: Scope) -> bytes:
    """The signing key, derived by four HMACs. It is cached, because a process uses the same key all day."""
    key = f"aliyun_v4{access_key_secret}".encode()
    for step in (scope.date, scope.region, scope.product, TERMINATOR):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def signature(key: bytes, text: str) -> str:
    """Lower-case hex HMAC-SHA256 of a string to sign or, for PostObject, of the base64 policy."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def _sign(context: SigningContext, request: OssRequest, query: str, headers: str, additional: str) -> str:
    """The signature over a request whose query and headers are canonical already."""
    uri = canonical_uri(request.bucket, request.key)
    text = string_to_sign(
        canonical_request(request.method, uri, query, headers, additional), context.date, context.scope
    )
    return signature(signing_key(context.credentials.access_key_secret, context.scope), text)


def authorization(context: SigningContext, request: OssRequest) -> dict[str, str]:
    """The headers to send: those of the request, x-oss-date, x-oss-content-sha256, the token and Authorization."""
    sent = {**request.headers, "x-oss-date": context.date, "x-oss-content-sha256": UNSIGNED_PAYLOAD}
    if context.credentials.security_token:
        sent["x-oss-security-token"] = context.credentials.security_token
    headers, additional = canonical_headers(sent, request.additional)
    signed = _sign(context, request, canonical_query(request.query), headers, additional)
    listed = f",AdditionalHeaders={additional}" if additional else ""
    credential = f"{context.credentials.access_key_id}/{context.scope}"
    sent["Authorization"] = f"{ALGORITHM} Credential={credential}{listed},Signature={signed}"
    return sent


def presign_query(context: SigningContext, expires: int, additional: str = "") -> list[tuple[str, str]]:
    """The parameters that signing adds to a URL, except x-oss-signature. `expires` is in seconds from `context.now`."""
    query = [*context.proof().items(), ("x-oss-expires", str(expires))]
    if additional:
        query.append(("x-oss-additional-headers", additional))
    return query


def presign(context: SigningContext, request: OssRequest, url: str, expires: int) -> str:
    """A presigned URL that expires after `expires` seconds (1 to 604800, `limits.MAX_PRESIGN_SECONDS`).

    `url` is the object's address without a query (`Endpoint.url_of`). A header of the request that OSS signs
    (Content-Type, Content-MD5, x-oss-*) must be sent with the same value, and no other such header may be sent.
    """
    headers, additional = canonical_headers(request.headers, request.additional)
    query = canonical_query([*request.query, *presign_query(context, expires, additional)])
    return f"{url}?{query}&x-oss-signature={_sign(context, request, query, headers, additional)}"


@dataclass(frozen=True, slots=True)
class PartRequest:
    """One part to presign. OSS refuses a part whose size (bytes), MD5 (base64) or content type differs from these.

    `content_type` is for clients that send one with a part, because OSS then signs it.
    """

    number: int
    size: int | None = None
    content_md5: str | None = None
    content_type: str | None = None


class PartSigner:
    """Presigns many UploadPart URLs of one multipart upload. The shared parts of the signature are computed once.

    The canonical query of a part starts with `partNumber=N&uploadId=…`, because `p` and `u` sort before `x-oss-…`.
    So the text before N and the text after it are the same for all parts.
    """

    def __init__(self, context: SigningContext, request: OssRequest, url: str, expires: int) -> None:
        """`request` is UploadPart without its partNumber; `url` and `expires` are as for `presign`.

        The query of the request holds uploadId and, if needed, parameters whose names sort after it (x-oss-…).
        Raises ValueError if the request has headers, since headers are given for each part.
        """
        if request.headers or request.additional:
            raise ValueError("The headers of a part are given by its PartRequest.")
        self._start = f"{url}?partNumber="
        self._plain = "&" + canonical_query([*request.query, *presign_query(context, expires)])
        self._sized = "&" + canonical_query([*request.query, *presign_query(context, expires, "content-length")])
        uri = canonical_uri(request.bucket, request.key)
        self._request = hashlib.sha256(f"{request.method}\n{uri}\npartNumber=".encode())
        self._string = f"{ALGORITHM}\n{context.date}\n{context.scope}\n"
        self._key = signing_key(context.credentials.access_key_secret, context.scope)

    def url(self, part: PartRequest) -> str:
        """The presigned URL of one part."""
        if part.size is None and part.content_md5 is None and part.content_type is None:
            return self._signed(part.number, self._plain, "\n\n\nUNSIGNED-PAYLOAD")
        headers, tail, additional = "", self._plain, ""
        if part.size is not None:
            headers, tail, additional = f"content-length:{part.size}\n", self._sized, "content-length"
        if part.content_md5 is not None:
            headers += f"content-md5:{part.content_md5}\n"
        if part.content_type is not None:
            headers += f"content-type:{part.content_type}\n"
        return self._signed(part.number, tail, f"\n{headers}\n{additional}\nUNSIGNED-PAYLOAD")

    def urls(self, numbers: Iterable[int]) -> Iterator[str]:
        """The presigned URLs of parts of any size and content."""
        return (self._signed(number, self._plain, "\n\n\nUNSIGNED-PAYLOAD") for number in numbers)

    def _signed(self, number: int, tail: str, rest: str) -> str:
        request = self._request.copy()
        request.update(f"{number}{tail}{rest}".encode())
        signed = hmac.digest(self._key, f"{self._string}{request.hexdigest()}".encode(), "sha256").hex()
        return f"{self._start}{number}{tail}&x-oss-signature={signed}"
