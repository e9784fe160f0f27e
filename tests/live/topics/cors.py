"""CORS: preflights, the headers of other answers, and rules that OSS refuses."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, accepted, refused
from tests.live.scene import Scene
from tests.live.statement import SETTINGS, Topic
from uploads.oss.cors import CorsConfiguration, CorsRule, build_cors

TOPIC = say = Topic("cors", "putbucketcors", SETTINGS)

APP = "https://app.example.com"
RULES = CorsConfiguration(
    (
        CorsRule(
            (APP,),
            ("PUT", "POST", "GET"),
            ("content-md5", "content-type", "x-oss-*"),
            ("ETag", "x-oss-request-id"),
            600,
        ),
        CorsRule(("https://*.wild.example.com",), ("GET",), ("*",), (), None),
    ),
    response_vary=True,
)
QUERY = (("cors", ""),)
NOT_ALLOWED = refused(403, "AccessForbidden")


def preflight(scene: Scene, origin: str = APP, method: str = "PUT", headers: str = "") -> Answer:
    """The answer to a preflight."""
    scene.settings.install("cors", build_cors(RULES), lambda: ask(scene, APP, "PUT", "").status == 200)
    return ask(scene, origin, method, headers)


def ask(scene: Scene, origin: str, method: str, headers: str) -> Answer:
    """The answer to a preflight, whatever the rules are."""
    given = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    sent = {name: text for name, text in given.items() if text}
    return scene.send("OPTIONS", "a", signature="none", headers=sent, public=True)


def read(scene: Scene, origin: str, key: str = "a", method: str = "GET") -> Answer:
    """The answer to another request of a page."""
    preflight(scene)
    scene.put("a")
    return scene.send(method, key, signature="url", unsigned={"Origin": origin}, public=True)


def rule(text: str) -> bytes:
    """A configuration of one rule."""
    return f"<CORSConfiguration><CORSRule>{text}</CORSRule></CORSConfiguration>".encode()


def put(scene: Scene, document: bytes) -> Answer:
    """The answer to PutBucketCors of a document that OSS refuses."""
    return scene.settings.attempt("cors", document)


GOOD = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
ALLOWED = {"access-control-allow-origin": APP, "access-control-allow-methods": ANY}

say(
    "a-preflight-of-the-page-is-answered",
    preflight,
    accepted(headers={**ALLOWED, "access-control-max-age": "600"}),
    page="options",
)
say(
    "the-requested-headers-are-allowed",
    lambda s: preflight(s, headers="content-md5,x-oss-meta-uid"),
    accepted(headers={"access-control-allow-headers": ANY}),
    page="options",
)
say(
    "headers-are-compared-without-case",
    lambda s: preflight(s, headers="Content-MD5"),
    accepted(headers=ALLOWED),
    page="options",
)
say("exposed-headers-are-named", preflight, accepted(headers={"access-control-expose-headers": ANY}), page="options")
say(
    "a-star-in-an-origin-matches",
    lambda s: preflight(s, "https://a.wild.example.com", "GET"),
    accepted(headers={"access-control-allow-origin": "https://a.wild.example.com"}),
    page="options",
)
say("another-origin-is-refused", lambda s: preflight(s, "https://other.example.com"), NOT_ALLOWED, page="options")
say("another-scheme-is-refused", lambda s: preflight(s, "http://app.example.com"), NOT_ALLOWED, page="options")
say("another-method-is-refused", lambda s: preflight(s, method="DELETE"), NOT_ALLOWED, page="options")
say("another-header-is-refused", lambda s: preflight(s, headers="x-own"), NOT_ALLOWED, page="options")
say(
    "a-preflight-without-origin-is-refused",
    lambda s: preflight(s, origin=""),
    refused(400, "BadRequest"),
    page="options",
)
say(
    "a-preflight-without-method-is-refused",
    lambda s: preflight(s, method=""),
    refused(400, "BadRequest"),
    page="options",
)
say(
    "a-get-is-answered-with-the-origin",
    lambda s: read(s, APP),
    accepted(headers={"access-control-allow-origin": APP, "access-control-expose-headers": ANY}),
    page="getobject",
)
say(
    "an-error-is-answered-with-the-origin",
    lambda s: read(s, APP, "nothing"),
    refused(404, "NoSuchKey"),
    page="getobject",
)
say(
    "another-origin-is-answered-without-headers",
    lambda s: read(s, "https://other.example.com"),
    accepted(headers={"access-control-allow-origin": None}),
    page="getobject",
)
say(
    "the-rules-are-listed",
    lambda s: (preflight(s), s.send("GET", query=QUERY))[1],
    accepted(
        elements={
            "CORSConfiguration/CORSRule[1]/AllowedOrigin": APP,
            "CORSConfiguration/CORSRule[1]/AllowedMethod[1]": "PUT",
            "CORSConfiguration/CORSRule[1]/MaxAgeSeconds": "600",
            "CORSConfiguration/ResponseVary": "true",
        }
    ),
    page="getbucketcors",
)
say(
    "an-unknown-method-is-refused",
    lambda s: put(s, rule(GOOD + "<AllowedMethod>PATCH</AllowedMethod>")),
    refused(400, "InvalidArgument"),
    refused(400, "MalformedXML"),
    varies="The manual does not name the code.",
)
say(
    "two-stars-in-an-origin-are-refused",
    lambda s: put(s, rule(GOOD.replace("*", "https://*.*.com"))),
    refused(400, "InvalidArgument"),
    refused(400, "MalformedXML"),
    varies="The manual does not name the code.",
)
say(
    "a-star-among-exposed-headers-is-refused",
    lambda s: put(s, rule(GOOD + "<ExposeHeader>*</ExposeHeader>")),
    refused(400, "InvalidArgument"),
    refused(400, "MalformedXML"),
    varies="The manual does not name the code.",
)
say(
    "a-rule-without-origin-is-refused",
    lambda s: put(s, rule("<AllowedMethod>PUT</AllowedMethod>")),
    refused(400, "MalformedXML"),
)
say("a-configuration-without-rules-is-refused", lambda s: put(s, b"<CORSConfiguration/>"), refused(400, "MalformedXML"))
say("rules-that-are-no-xml-are-refused", lambda s: put(s, b"everything"), refused(400, "MalformedXML"))
say(
    "after-delete-there-are-none",
    lambda s: s.settings.deleted("cors"),
    refused(404, "NoSuchCORSConfiguration"),
    page="deletebucketcors",
)
