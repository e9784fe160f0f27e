"""STS, which lends temporary credentials: AssumeRole requests, in both of the signatures that it takes.

Rule: pure, one function a step of the manual; the time and the nonce come in. Proven by
`tests/vectors/sts_assume_role.json`, on which the vendor's SDKs agree.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from uploads.oss.errors import Malformed
from uploads.oss.signing import Credentials, percent_encode

ALGORITHM = "ACS3-HMAC-SHA256"
VERSION = "2015-04-01"
ACTION = "AssumeRole"

MIN_DURATION_SECONDS = 900
DEFAULT_DURATION_SECONDS = 3600
MAX_DURATION_SECONDS = 43_200
MAX_POLICY_CHARACTERS = 2048


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Encoded, sorted by name; an empty value keeps its `=`."""
    encoded = sorted((percent_encode(name), percent_encode(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


# ACS3-HMAC-SHA256


def acs3_canonical_request(
    method: str, parameters: Mapping[str, str], headers: Mapping[str, str], signed: Sequence[str], payload: str
) -> str:
    """`signed`: the names of the signed headers, lower case, sorted. `payload`: hex SHA-256 of the body."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    lines = "".join(f"{name}:{given.get(name, '')}\n" for name in signed)
    return f"{method}\n/\n{canonical_query(parameters)}\n{lines}\n{';'.join(signed)}\n{payload}"


def acs3_string_to_sign(canonical_request: str) -> str:
    return f"{ALGORITHM}\n{hashlib.sha256(canonical_request.encode()).hexdigest()}"


def acs3_signature(access_key_secret: str, text: str) -> str:
    """Lower-case hex HMAC-SHA256; no key is derived."""
    return hmac.digest(access_key_secret.encode(), text.encode(), "sha256").hex()


# AssumeRole


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """What is asked for: `policy` narrows the role's rights to what both allow."""

    role_arn: str
    session_name: str
    duration_seconds: int = DEFAULT_DURATION_SECONDS
    policy: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        narrowed = {"Policy": self.policy} if self.policy else {}
        return {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": str(self.duration_seconds),
            **narrowed,
        }


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """What STS lends, and until when."""

    credentials: Credentials = field(repr=False)
    expires_at: datetime
    role_user_arn: str = ""


def sign_assume_role(
    credentials: Credentials, request: AssumeRole, host: str, now: datetime, nonce: str
) -> tuple[str, dict[str, str]]:
    """The query and the headers of a POST to `/` with an empty body."""
    payload = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": host,
        "x-acs-action": ACTION,
        "x-acs-version": VERSION,
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": payload,
    }
    if credentials.security_token:
        headers["x-acs-security-token"] = credentials.security_token
    signed = sorted(headers)
    text = acs3_string_to_sign(acs3_canonical_request("POST", request.parameters, headers, signed, payload))
    mark = acs3_signature(credentials.access_key_secret, text)
    listed = f"Credential={credentials.access_key_id},SignedHeaders={';'.join(signed)},Signature={mark}"
    return canonical_query(request.parameters), {**headers, "Authorization": f"{ALGORITHM} {listed}"}


def parse_assume_role(body: bytes) -> TemporaryCredentials:
    """The JSON of a 200. Raises Malformed."""
    try:
        document = json.loads(body)
        lent = document["Credentials"]
        return TemporaryCredentials(
            Credentials(str(lent["AccessKeyId"]), str(lent["AccessKeySecret"]), str(lent["SecurityToken"])),
            datetime.fromisoformat(str(lent["Expiration"])).astimezone(UTC),
            str(document.get("AssumedRoleUser", {}).get("Arn", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # Not the document itself: it holds a secret.
        raise Malformed("The answer to AssumeRole holds no credentials.") from error
