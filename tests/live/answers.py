"""Answers of OSS, and the form in which they are judged, recorded and compared: without anything of one account.

Rule: `Recorded` is made by `Redaction` alone. Times, ids and names of the run become words in braces; everything else
stays as OSS sent it, because the contents that the statements send are the same in each run.
"""

import base64
import binascii
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

import httpx

from uploads.oss import markup

VOLATILE_HEADERS = {
    "date", "last-modified", "x-oss-request-id", "x-oss-server-time", "keep-alive", "x-oss-version-id",
}  # fmt: skip
VOLATILE_ELEMENTS = {
    "RequestId", "HostId", "StringToSign", "StringToSignBytes", "CanonicalRequest", "SignatureProvided", "LastModified",
    "Initiated", "CreationDate", "ServerTime", "RequestTime", "Expires", "OSSAccessKeyId", "SecurityToken",
    "EncodedDiagnosticMessage", "AuthPrincipalOwnerId", "AuthPrincipalDisplayName", "DisplayName", "UploadIdMarker",
    "NextUploadIdMarker", "ContinuationToken", "NextContinuationToken", "UploadId", "VersionId",
    "ExtranetEndpoint", "IntranetEndpoint", "AccessKeyId", "AccessKeySecret", "Expiration", "Arn", "AssumedRoleId",
}  # fmt: skip
OWNER = "Owner/ID"

# What would tell of an account wherever it stood, if nothing above had replaced it.
_GENERAL = (
    (re.compile(r"\b(?:LTAI|TMP\.|STS\.)[0-9A-Za-z]{8,}"), "{key-id}"),
    (re.compile(r"\bCAIS[0-9A-Za-z+/=%]{16,}"), "{token}"),
    (re.compile(r"\b1\d{15}\b"), "{account}"),
    (re.compile(r"\b20\d{6}(?:T\d{6}Z)?\b"), "{day}"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, with the request line it belongs to."""

    request: str
    status: int
    headers: httpx.Headers
    content: bytes

    def document(self) -> Element | None:
        """The XML of the body or, of a HEAD response, of x-oss-err. None without one."""
        try:
            body = base64.b64decode(self.headers.get("x-oss-err", ""), validate=True) or self.content
            return markup.parse(body) if body.lstrip().startswith(b"<") else None
        except (ParseError, binascii.Error):
            return None

    def json(self) -> dict[str, str]:
        """The values of a JSON body, as STS answers, by their paths; empty without one."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            return {}
        content = json.loads(self.content)
        inner = {name: value if isinstance(value, dict) else {"": value} for name, value in content.items()}
        return {
            f"json/{name}/{key}".rstrip("/"): str(value)
            for name, group in inner.items()
            for key, value in group.items()
        }

    def text(self, path: str) -> str:
        """The text of an element; empty without one."""
        document = self.document()
        return "" if document is None else document.findtext(path) or ""

    def summary(self) -> str:
        """One line for a person."""
        return f"{self.request} answered {self.status} {self.text('Code')} {self.text('Message')}".rstrip()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer without anything of one account. `body` describes a body that is not XML."""

    request: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def code(self) -> str:
        """OSS's error code; empty for a success."""
        return self.elements.get("Error/Code", "")

    def as_json(self) -> dict[str, Any]:
        """The form in a recording."""
        return {
            "request": self.request,
            "status": self.status,
            "headers": dict(sorted(self.headers.items())),
            "elements": dict(self.elements),
            "body": self.body,
        }


class Redaction:
    """Replaces what belongs to one account or one run. `known` maps texts to the words that stand for them."""

    def __init__(self, known: Mapping[str, str], addresses: Mapping[str, str]) -> None:
        """`addresses` maps URLs without their scheme, such as the bucket's, to words."""
        texts = {**addresses, **{form: word for text, word in known.items() for form in (text, quote(text, safe=""))}}
        self._texts = sorted(((text, word) for text, word in texts.items() if text), key=lambda pair: -len(pair[0]))

    def text(self, text: str) -> str:
        """The text with words for what it tells."""
        for known, word in self._texts:
            text = text.replace(known, word)
        text = re.sub(r"https?://(?=\{)", "", text)
        for pattern, word in _GENERAL:
            text = pattern.sub(word, text)
        return text

    def recorded(self, answer: Answer) -> Recorded:
        """The answer as it may be shown to anybody."""
        document = answer.document()
        headers = {name.lower(): self._header(name.lower(), value) for name, value in answer.headers.items()}
        headers.pop("x-oss-err", None)
        found = dict(flat(document)) if document is not None else answer.json()
        elements = {path: self._element(path, text) for path, text in found.items()}
        plain = answer.content and not found
        body = f"{len(answer.content)} bytes, MD5 {hashlib.md5(answer.content).hexdigest()}" if plain else ""
        if found:  # Its length depends on the names of the account.
            headers.pop("content-length", None)
        return Recorded(self.text(answer.request), answer.status, headers, elements, body)

    def _header(self, name: str, value: str) -> str:
        return f"{{{name}}}" if name in VOLATILE_HEADERS else self.text(value)

    def _element(self, path: str, text: str) -> str:
        bare = re.sub(r"\[\d+\]", "", path)
        name = bare.rpartition("/")[2]
        if text and (name in VOLATILE_ELEMENTS or bare.endswith(OWNER)):
            return f"{{{name}}}"
        return self.text(text)


def flat(element: Element, path: str = "") -> Iterator[tuple[str, str]]:
    """The path and the text of each element without children. Of several siblings each path has its number."""
    path = path or element.tag
    if not len(element):
        yield path, (element.text or "").strip()
        return
    total, seen = Counter(child.tag for child in element), Counter[str]()
    for child in element:
        seen[child.tag] += 1
        number = f"[{seen[child.tag]}]" if total[child.tag] > 1 else ""
        yield from flat(child, f"{path}/{child.tag}{number}")
