"""AssumeRole, with which STS issues temporary credentials: the request with its ACS3 signature, and the response.

Manual, "AssumeRole": https://www.alibabacloud.com/help/en/ram/api-assumerole
Manual, "Request syntax and signature method V3":
https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature

Rule: pure functions, one for each step of the manual; the time and the nonce are arguments.
`tests/vectors/sts_assume_role.json` holds the requests of the vendor's SDKs.
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
"""Seconds for which temporary credentials can be issued. A role may have a lower maximum."""

MAX_POLICY_CHARACTERS = 2048
"""Characters in a session policy."""


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The parameters, percent-encoded and sorted by name. Unlike in OSS's, an empty value keeps its `=`."""
    encoded = sorted((percent_encode(name), percent_encode(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


# ACS3-HMAC-SHA256


def acs3_canonical_request(
    method: str, parameters: Mapping[str, str], headers: Mapping[str, str], signed: Sequence[str], payload: str
) -> str:
    """The canonical request. `signed` are the names of the signed headers, in lower case and sorted; `payload` is the
    hex SHA-256 of the body."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    lines = "".join(f"{name}:{given.get(name, '')}\n" for name in signed)
    return f"{method}\n/\n{canonical_query(parameters)}\n{lines}\n{';'.join(signed)}\n{payload}"


def acs3_string_to_sign(canonical_request: str) -> str:
    """The string to sign for a canonical request."""
    return f"{ALGORITHM}\n{hashlib.sha256(canonical_request.encode()).hexdigest()}"


def acs3_signature(access_key_secret: str, text: str) -> str:
    """Lower-case hex HMAC-SHA256 with the secret itself as the key."""
    return hmac.digest(access_key_secret.encode(), text.encode(), "sha256").hex()


# AssumeRole


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """The request for credentials. They have the rights that both the role and the session policy `policy` allow."""

    role_arn: str
    session_name: str
    duration_seconds: int = DEFAULT_DURATION_SECONDS
    policy: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters by name."""
        narrowed = {"Policy": self.policy} if self.policy else {}
        return {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": str(self.duration_seconds),
            **narrowed,
        }


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """The credentials that STS issued, and when they expire (UTC). `role_user_arn` names the role and the session."""

    credentials: Credentials = field(repr=False)
    expires_at: datetime
    role_user_arn: str = ""


def sign_assume_role(
    credentials: Credentials, request: AssumeRole, host: str, now: datetime, nonce: str
) -> tuple[str, dict[str, str]]:
    """The query and the headers of a POST to `/` with an empty body. `nonce` must differ in each request."""
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
    signature = acs3_signature(credentials.access_key_secret, text)
    listed = f"Credential={credentials.access_key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
    return canonical_query(request.parameters), {**headers, "Authorization": f"{ALGORITHM} {listed}"}


def parse_assume_role(body: bytes) -> TemporaryCredentials:
    """The credentials in the body of a response with status 200. Raises Malformed, without quoting the body."""
    try:
        document = json.loads(body)
        issued = document["Credentials"]
        return TemporaryCredentials(
            Credentials(str(issued["AccessKeyId"]), str(issued["AccessKeySecret"]), str(issued["SecurityToken"])),
            datetime.fromisoformat(str(issued["Expiration"])).astimezone(UTC),
            str(document.get("AssumedRoleUser", {}).get("Arn", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # The message does not quote the document, because it may hold a secret.
        raise Malformed("The response to AssumeRole has no credentials.") from error
