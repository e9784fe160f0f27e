"""Where the statements are sent: a bucket, how it is addressed, and who signs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.oss.endpoint import Addressing, Endpoint
from uploads.oss.signing import Credentials

PREFIX = "OSS_LIVE_"
REQUIRED = ("ENDPOINT", "REGION", "BUCKET", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET")
OPTIONAL = (
    "ADDRESSING", "SECURITY_TOKEN", "PUBLIC_ENDPOINT", "PUBLIC_ADDRESSING", "ROLE_ARN", "STS_ENDPOINT",
    "CHANGE_BUCKET_SETTINGS",
)  # fmt: skip


class Incomplete(ValueError):
    """The environment does not describe a target. The message says what is missing or wrong."""


@dataclass(frozen=True)
class Target:
    """A bucket. `public` is the address that browsers use. `role_arn` and `sts` are empty without a role.

    `settings` allows statements that replace the bucket's CORS and lifecycle rules for a while.
    """

    endpoint: Endpoint
    public: Endpoint
    region: str
    bucket: str
    credentials: Credentials = field(repr=False)
    role_arn: str = ""
    sts: str = ""
    settings: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no recording may hold."""
        given = self.credentials
        account = self.role_arn.split(":")[3] if self.role_arn.count(":") >= 4 else ""
        known = (given.access_key_id, given.access_key_secret, given.security_token or "", account, self.bucket)
        return tuple(text for text in known if text)


def from_environment(environment: Mapping[str, str]) -> Target:
    """The target that the variables OSS_LIVE_… describe. Raises Incomplete."""
    given = {name: environment.get(PREFIX + name, "").strip() for name in (*REQUIRED, *OPTIONAL)}
    if missing := [PREFIX + name for name in REQUIRED if not given[name]]:
        raise Incomplete(f"Set {', '.join(missing)}. docs/live.md describes them.")
    if bool(given["ROLE_ARN"]) != bool(given["STS_ENDPOINT"]):
        raise Incomplete(f"Set both {PREFIX}ROLE_ARN and {PREFIX}STS_ENDPOINT, or neither.")
    endpoint = _endpoint(given["ENDPOINT"], given["ADDRESSING"])
    public = _endpoint(given["PUBLIC_ENDPOINT"], given["PUBLIC_ADDRESSING"]) if given["PUBLIC_ENDPOINT"] else endpoint
    token = given["SECURITY_TOKEN"] or None
    return Target(
        endpoint=endpoint,
        public=public,
        region=given["REGION"].removeprefix("oss-"),
        bucket=given["BUCKET"],
        credentials=Credentials(given["ACCESS_KEY_ID"], given["ACCESS_KEY_SECRET"], token),
        role_arn=given["ROLE_ARN"],
        sts=Endpoint.parse(given["STS_ENDPOINT"]).url if given["STS_ENDPOINT"] else "",
        settings=given["CHANGE_BUCKET_SETTINGS"].lower() in ("1", "yes", "true"),
    )


def _endpoint(text: str, addressing: str) -> Endpoint:
    chosen = addressing or "virtual"
    if chosen not in get_args(Addressing):
        raise Incomplete(f"An addressing is one of {', '.join(get_args(Addressing))}, not {chosen!r}.")
    try:
        return Endpoint.parse(text, cast("Addressing", chosen))
    except ValueError as error:
        raise Incomplete(f"{text!r} is {error}.") from error


def local(server: LocalServer, bucket: str = "") -> Target:
    """The target of a local OSS server, with everything that it has."""
    endpoint = Endpoint(server.url, "path")
    credentials = Credentials(server.access_key_id, server.access_key_secret)
    name = bucket or server.bucket
    return Target(endpoint, endpoint, server.region, name, credentials, DEMO_ROLE.arn, server.url, settings=True)
