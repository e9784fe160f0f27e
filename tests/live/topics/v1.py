"""Signature version 1. Accounts made since 2025-03-01 and buckets made since 2025-09-01 cannot use it."""

import re

from tests.live.expectations import accepted, refused
from tests.live.scene import SMALL, stranger
from tests.live.statement import EC_PAGES, Topic

TOPIC = say = Topic("v1", "include-signatures-in-the-authorization-header",
                    varies="Newer accounts and buckets refuse signature version 1.")  # fmt: skip

# The code with which newer accounts refuse version 1 is unknown: any refusal by status is accepted here.
CLOSED = (refused(403, "AccessDenied"), refused(400, "InvalidArgument"), refused(403, "InvalidAccessKeyId"))
DIFFERS = refused(403, "SignatureDoesNotMatch")

say(
    "a-put-is-accepted-or-version-1-is-closed",
    lambda s: s.send("PUT", "a", content=SMALL, signature="v1"),
    accepted(),
    *CLOSED,
)
say(
    "a-url-is-accepted-or-version-1-is-closed",
    lambda s: s.send("PUT", "a", content=SMALL, signature="v1-url"),
    accepted(),
    *CLOSED,
)
say(
    "a-date-in-a-header-of-oss-is-accepted-or-version-1-is-closed",
    lambda s: s.send("PUT", "a", content=SMALL, signature="v1", headers={"x-oss-date": s.http_date()}),
    accepted(),
    *CLOSED,
)
say(
    "another-secret-is-refused",
    lambda s: s.send(
        "PUT",
        "a",
        content=SMALL,
        signature="v1",
        credentials=stranger(s.target.credentials, access_key_secret="x" * 30),
    ),
    DIFFERS,
    *CLOSED,
)
say(
    "an-unsigned-content-type-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, signature="v1-url", unsigned={"Content-Type": "text/plain"}),
    DIFFERS,
    *CLOSED,
)
say(
    "an-expired-url-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, signature="v1-url", expires=-60),
    refused(403, "AccessDenied", "0002-00000069"),
    *CLOSED,
    page=EC_PAGES + "0002-00000069",
)
say(
    "an-old-date-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, signature="v1", ago=1200),
    refused(403, "RequestTimeTooSkewed"),
    *CLOSED,
)
say(
    "a-url-without-signature-is-refused",
    lambda s: s.send(
        "PUT", "a", content=SMALL, signature="v1-url", rewrite=lambda query: re.sub("&?Signature=[^&]*", "", query)
    ),
    refused(403, "AccessDenied"),
    *CLOSED,
)
