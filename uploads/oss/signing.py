"""OSS signature version 4: from a request to the Authorization header or the presigned URL.

Rule: pure functions, named after the nouns of the vendor's manual, each one step that a test can look at;
the time always comes in as an argument. Proven by `tests/vectors/v4_*.json`, on which four SDKs agree.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

ALGORITHM = "OSS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
TERMINATOR = "aliyun_v4_request"

Query = Iterable[tuple[str, str]]
"""Decoded names and values; an empty value stands for a parameter without one (`?uploads`)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair, long-term or temporary (then with `security_token`)."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signing key is good for: one day, one region, one product."""

    date: str
    region: str
    product: str = "oss"

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.product}/{TERMINATOR}"

    @classmethod
    def at(cls, now: datetime, region: str, product: str = "oss") -> "Scope":
        return cls(now.astimezone(UTC).strftime("%Y%m%d"), region, product)


def timestamp(now: datetime) -> str:
    """`x-oss-date`: UTC as 20260115T083000Z."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def percent_encode(text: str) -> str:
    """RFC 3986 over UTF-8: only A-Z a-z 0-9 - _ . ~ stay."""
    return quote(text, safe="-_.~")


def canonical_uri(bucket: str, key: str) -> str:
    """`/bucket/key` for objects, `/bucket/` for the bucket, `/` for the service: whatever the address style.

    No path is normalised: `//`, `.` and `..` are part of a name.
    """
    if not bucket:
        return "/"
    return f"/{percent_encode(bucket)}/{quote(key, safe='/-_.~')}"


def canonical_query(query: Query) -> str:
    """Every parameter but x-oss-signature, encoded, then sorted by the encoded name."""
    encoded = sorted((percent_encode(name), percent_encode(value)) for name, value in query)
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)


def is_signed_by_default(name: str) -> bool:
    """Whether a header (lower case) is in every signature, without being listed as additional."""
    return name in ("content-type", "content-md5") or name.startswith("x-oss-")


def canonical_headers(headers: Mapping[str, str], additional: Iterable[str] = ()) -> tuple[str, str]:
    """The signed headers as "name:value\\n" each, and the names of the additional ones joined by ";".

    A name that is signed anyway, or whose header is absent, does not stand in the additional list.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    extra = sorted({name.lower() for name in additional if not is_signed_by_default(name.lower())} & given.keys())
    signed = sorted(name for name in given if is_signed_by_default(name) or name in extra)
    return "".join(f"{name}:{given[name]}\n" for name in signed), ";".join(extra)


def canonical_request(
    method: str, uri: str, query: str, headers: str, additional: str = "", payload: str = UNSIGNED_PAYLOAD
) -> str:
    """Six lines. `headers` ends with its own newline, so an empty line follows it."""
    return f"{method}\n{uri}\n{query}\n{headers}\n{additional}\n{payload}"


def string_to_sign(request: str, date: str, scope: Scope) -> str:
    """`date` is x-oss-date; `request` the canonical request."""
    digest = hashlib.sha256(request.encode()).hexdigest()
    return f"{ALGORITHM}\n{date}\n{scope}\n{digest}"


@lru_cache(maxsize=64)
def signing_key(access_key_secret: str, scope: Scope) -> bytes:
    """Four HMACs; kept, because a process signs with the same one all day."""
    key = f"aliyun_v4{access_key_secret}".encode()
    for step in (scope.date, scope.region, scope.product, TERMINATOR):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def signature(key: bytes, text: str) -> str:
    """Lower-case hex HMAC-SHA256 of a string to sign (or, for PostObject, of the base64 policy)."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def authorization(
    credentials: Credentials,
    region: str,
    now: datetime,
    method: str,
    bucket: str,
    key: str,
    query: Query = (),
    headers: Mapping[str, str] | None = None,
    additional: Iterable[str] = (),
    product: str = "oss",
) -> dict[str, str]:
    """The headers to send: those given, x-oss-date, x-oss-content-sha256, the token and Authorization."""
    scope = Scope.at(now, region, product)
    sent = {**(headers or {}), "x-oss-date": timestamp(now), "x-oss-content-sha256": UNSIGNED_PAYLOAD}
    if credentials.security_token:
        sent["x-oss-security-token"] = credentials.security_token
    signed, extra = canonical_headers(sent, additional)
    request = canonical_request(method, canonical_uri(bucket, key), canonical_query(query), signed, extra)
    mark = signature(
        signing_key(credentials.access_key_secret, scope), string_to_sign(request, sent["x-oss-date"], scope)
    )
    listed = f",AdditionalHeaders={extra}" if extra else ""
    sent["Authorization"] = f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}{listed},Signature={mark}"
    return sent


def presign_query(
    credentials: Credentials, scope: Scope, date: str, expires: int, additional: str = ""
) -> list[tuple[str, str]]:
    """The parameters that a presigned URL carries besides the operation's own, without x-oss-signature."""
    query = [
        ("x-oss-signature-version", ALGORITHM),
        ("x-oss-credential", f"{credentials.access_key_id}/{scope}"),
        ("x-oss-date", date),
        ("x-oss-expires", str(expires)),
    ]
    if credentials.security_token:
        query.append(("x-oss-security-token", credentials.security_token))
    if additional:
        query.append(("x-oss-additional-headers", additional))
    return query


def presign(
    credentials: Credentials,
    region: str,
    now: datetime,
    expires: int,
    method: str,
    url: str,
    bucket: str,
    key: str,
    query: Query = (),
    headers: Mapping[str, str] | None = None,
    additional: Iterable[str] = (),
    product: str = "oss",
) -> str:
    """A URL good for `expires` seconds (1 … 604800), for `method` and exactly `headers`.

    `url` is the object's address without a query (`endpoint.url_of`). A header given here that OSS signs
    (Content-Type, Content-MD5, x-oss-*) must be sent as it is; one not given here must not be sent.
    """
    scope, date = Scope.at(now, region, product), timestamp(now)
    signed, extra = canonical_headers(headers or {}, additional)
    text = canonical_query([*query, *presign_query(credentials, scope, date, expires, extra)])
    request = canonical_request(method, canonical_uri(bucket, key), text, signed, extra)
    mark = signature(signing_key(credentials.access_key_secret, scope), string_to_sign(request, date, scope))
    return f"{url}?{text}&x-oss-signature={mark}"


@dataclass(frozen=True, slots=True)
class PartRequest:
    """One part to sign: what is given here is bound into the signature, and OSS refuses other bytes."""

    number: int
    size: int | None = None
    content_md5: str | None = None
    content_type: str | None = None
    """Of clients that send one with a part; OSS signs it then."""


class PartSigner:
    """Presigns many UploadPart URLs of one upload; what they share is computed once.

    The canonical query of a part starts with `partNumber=N&uploadId=…`, since `p` and `u` sort before the
    `x-oss-…` of the signature: everything before N and everything after it is the same for all parts.
    """

    def __init__(
        self,
        credentials: Credentials,
        region: str,
        now: datetime,
        expires: int,
        url: str,
        bucket: str,
        key: str,
        upload_id: str,
        query: Query = (),
    ) -> None:
        """`query`: further parameters for every part, whose names must sort after `uploadId` (x-oss-…)."""
        scope, date = Scope.at(now, region), timestamp(now)
        self._start = f"{url}?partNumber="
        self._plain = self._tail(credentials, scope, date, expires, upload_id, query, "")
        self._sized = self._tail(credentials, scope, date, expires, upload_id, query, "content-length")
        self._request = hashlib.sha256(f"PUT\n{canonical_uri(bucket, key)}\npartNumber=".encode())
        self._string = f"{ALGORITHM}\n{date}\n{scope}\n"
        self._key = signing_key(credentials.access_key_secret, scope)

    @staticmethod
    def _tail(
        credentials: Credentials, scope: Scope, date: str, expires: int, upload_id: str, query: Query, additional: str
    ) -> str:
        shared = presign_query(credentials, scope, date, expires, additional)
        return "&" + canonical_query([("uploadId", upload_id), *query, *shared])

    def url(self, part: PartRequest) -> str:
        """The URL for one part."""
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
        """The URLs of parts to which nothing but the number is bound."""
        return (self._signed(number, self._plain, "\n\n\nUNSIGNED-PAYLOAD") for number in numbers)

    def _signed(self, number: int, tail: str, rest: str) -> str:
        request = self._request.copy()
        request.update(f"{number}{tail}{rest}".encode())
        mark = hmac.digest(self._key, f"{self._string}{request.hexdigest()}".encode(), "sha256").hex()
        return f"{self._start}{number}{tail}&x-oss-signature={mark}"
