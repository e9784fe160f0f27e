"""A bucket's CORS configuration: a frozen value to XML, and XML to a frozen value.

Rule: no I/O. Names are OSS's. Manual: PutBucketCors.
"""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

from uploads.oss import markup, messages


@dataclass(frozen=True, slots=True)
class CorsRule:
    """One rule of a CORS configuration. OSS applies the first rule that matches."""

    allowed_origins: tuple[str, ...]
    allowed_methods: tuple[str, ...]
    allowed_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CorsConfiguration:
    """All CORS rules of a bucket. `response_vary` makes OSS send `Vary: Origin` in every response."""

    rules: tuple[CorsRule, ...] = field(default=())
    response_vary: bool = False


def build_cors(configuration: CorsConfiguration) -> bytes:
    """The body of PutBucketCors."""
    document = Element("CORSConfiguration")
    for rule in configuration.rules:
        element = SubElement(document, "CORSRule")
        for tag, values in (
            ("AllowedOrigin", rule.allowed_origins),
            ("AllowedMethod", rule.allowed_methods),
            ("AllowedHeader", rule.allowed_headers),
            ("ExposeHeader", rule.expose_headers),
        ):
            for value in values:
                SubElement(element, tag).text = value
        if rule.max_age_seconds is not None:
            SubElement(element, "MaxAgeSeconds").text = str(rule.max_age_seconds)
    SubElement(document, "ResponseVary").text = "true" if configuration.response_vary else "false"
    return markup.serialize(document)


def parse_cors(body: bytes) -> CorsConfiguration:
    """The CORS configuration in this XML. Raises Malformed."""
    document = messages.parse(body, "CORSConfiguration")
    rules = tuple(
        CorsRule(
            allowed_origins=messages.stripped(rule, "AllowedOrigin"),
            allowed_methods=messages.stripped(rule, "AllowedMethod"),
            allowed_headers=messages.stripped(rule, "AllowedHeader"),
            expose_headers=messages.stripped(rule, "ExposeHeader"),
            max_age_seconds=messages.number(rule, "MaxAgeSeconds") if messages.text(rule, "MaxAgeSeconds") else None,
        )
        for rule in document.iterfind("CORSRule")
    )
    return CorsConfiguration(rules, messages.text(document, "ResponseVary") == "true")
