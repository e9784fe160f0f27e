"""The CORS rules of a bucket.

Rule: a request replaces all rules, or none if one of them is not valid.
"""

from xml.etree.ElementTree import Element

from uploads.localoss import markup
from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations.context import Context
from uploads.oss.cors import CorsConfiguration, CorsRule, build_cors
from uploads.oss.limits import MAX_CORS_RULES, MAX_CORS_XML_BYTES

METHODS = ("GET", "PUT", "DELETE", "POST", "HEAD")
_FORBIDDEN = frozenset("<>&'\"")


def put_bucket_cors(context: Context) -> Answer:
    """OSS manual: "PutBucketCors"."""
    document = markup.parse(context.request.body.whole(MAX_CORS_XML_BYTES), "CORSConfiguration")
    rules = [_rule(element) for element in document.iterfind("CORSRule")]
    if not rules:
        raise Refusal("MalformedXML")
    if len(rules) > MAX_CORS_RULES:
        raise Refusal("CORSRuleBeyondLimit")
    vary = (document.findtext("ResponseVary") or "").strip().lower() == "true"
    context.store.buckets.set_cors(context.bucket.name, build_cors(CorsConfiguration(tuple(rules), vary)))
    return Answer()


def get_bucket_cors(context: Context) -> Answer:
    """OSS manual: "GetBucketCors"."""
    if context.bucket.cors is None:
        raise Refusal("NoSuchCORSConfiguration", {"BucketName": context.bucket.name})
    return Answer(200, {"Content-Type": "application/xml"}, context.bucket.cors)


def delete_bucket_cors(context: Context) -> Answer:
    """OSS manual: "DeleteBucketCors"."""
    context.store.buckets.set_cors(context.bucket.name, None)
    return Answer(204)


def _rule(element: Element) -> CorsRule:
    origins, methods = _texts(element, "AllowedOrigin"), _texts(element, "AllowedMethod")
    headers, exposed = _texts(element, "AllowedHeader"), _texts(element, "ExposeHeader")
    if not origins or not methods:
        raise Refusal("MalformedXML")
    for method in methods:
        if method not in METHODS:
            raise invalid_argument("AllowedMethod", method, "The CORS rule has an unsupported method.")
    for name, values, stars in (
        ("AllowedOrigin", origins, 1),
        ("AllowedHeader", headers, 1),
        ("ExposeHeader", exposed, 0),
    ):
        for value in values:
            bad = not value.isprintable() or bool(_FORBIDDEN & set(value))
            if bad or not value or value.count("*") > stars:
                raise invalid_argument(name, value, f"The CORS rule has an invalid {name}.")
    lowered = tuple(header.lower() for header in headers)
    return CorsRule(origins, methods, lowered, exposed, _max_age(element))


def _max_age(element: Element) -> int | None:
    text = (element.findtext("MaxAgeSeconds") or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise invalid_argument("MaxAgeSeconds", text, "MaxAgeSeconds must be a number of seconds.")
    return int(text)


def _texts(element: Element, tag: str) -> tuple[str, ...]:
    return tuple((child.text or "").strip() for child in element.iterfind(tag))
