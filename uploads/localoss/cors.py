"""CORS: the headers that a bucket's rules add to a response (OSS manual: "CORS", "OPTIONS").

Rule: pure. The first rule that matches decides. Without rules no CORS header is sent.
"""

from functools import lru_cache

from uploads.localoss.errors import Refusal
from uploads.localoss.request import Request
from uploads.oss.cors import CorsConfiguration, CorsRule, parse_cors


@lru_cache(maxsize=64)
def configuration(document: bytes | None) -> CorsConfiguration:
    """The rules of a stored document; none for None."""
    return parse_cors(document) if document else CorsConfiguration()


def preflight(request: Request, rules: CorsConfiguration) -> dict[str, str]:
    """The headers of the response to a preflight request (OSS manual: "OPTIONS").

    Refusal: BadRequest if a request header is missing, AccessForbidden if no rule allows the request.
    """
    origin = request.headers.get("origin", "")
    method = request.headers.get("access-control-request-method", "")
    if not origin or not method:
        missing = "Access-Control-Request-Method" if origin else "Origin"
        raise Refusal("BadRequest", message=f"Insufficient information. {missing} request header needed.")
    if not rules.rules:
        raise Refusal("AccessForbidden", message="CORSResponse: CORS is not enabled for this bucket.")
    listed = request.headers.get("access-control-request-headers", "")
    requested = [name.strip().lower() for name in listed.split(",") if name.strip()]
    for rule in rules.rules:
        if _matches(rule, origin, method) and all(_any(rule.allowed_headers, name) for name in requested):
            allowed = {"Access-Control-Allow-Headers": listed} if requested else {}
            return {**_headers(rule, origin), **allowed}
    raise Refusal("AccessForbidden", {"Method": method, "ResourceType": "OBJECT"})


def ordinary(request: Request, rules: CorsConfiguration) -> dict[str, str]:
    """The CORS headers of any other response. Error responses have them too, so that a page can read the error."""
    headers = {"Vary": "Origin"} if rules.response_vary else {}
    origin = request.headers.get("origin", "")
    for rule in rules.rules:
        if origin and _matches(rule, origin, request.method):
            return {**headers, **_headers(rule, origin)}
    return headers


def _headers(rule: CorsRule, origin: str) -> dict[str, str]:
    headers = {
        "Access-Control-Allow-Origin": "*" if "*" in rule.allowed_origins else origin,
        "Access-Control-Allow-Methods": ", ".join(rule.allowed_methods),
    }
    if rule.expose_headers:
        headers["Access-Control-Expose-Headers"] = ", ".join(rule.expose_headers)
    if rule.max_age_seconds is not None:
        headers["Access-Control-Max-Age"] = str(rule.max_age_seconds)
    return headers


def _matches(rule: CorsRule, origin: str, method: str) -> bool:
    return method in rule.allowed_methods and _any(rule.allowed_origins, origin)


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return any(_like(pattern.lower(), text.lower()) for pattern in patterns)


def _like(pattern: str, text: str) -> bool:
    """Whether `text` matches. One `*` matches any text, the empty one too (OSS manual: "PutBucketCors")."""
    start, star, end = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(start) + len(end) and text.startswith(start) and text.endswith(end)
