"""STS on the same port: AssumeRole in both forms of signature (STS manual: "AssumeRole").

aliyun-python-sdk-core and ali-oss sign in the RPC form, alibabacloud-sts20150401 with ACS3-HMAC-SHA256 (SDK manual:
"Request syntax and signature method V3").

Rule: issued credentials are stored nowhere but in their token. Of past requests only the recent nonces are kept.
"""

import hashlib
import hmac
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from uploads.localoss import policy, sts_rpc
from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import AccessKey, KeyRing, Role
from uploads.localoss.request import Request
from uploads.localoss.sts_answers import StsRefusal, document, invalid, missing, no_permission, refused
from uploads.localoss.tokens import Session, TokenCipher, new_session
from uploads.oss import sts
from uploads.oss.limits import MAX_CLOCK_SKEW_SECONDS
from uploads.oss.policy import PolicyError

MAX_BODY_BYTES = 64 * 1024
MAX_NONCES = 200_000
FORM = "application/x-www-form-urlencoded"
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_ROLE_ARN = re.compile(r"acs:ram::\d+:role/[A-Za-z0-9.@_-]{1,64}", re.IGNORECASE)
_SKEW = timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)


@dataclass(frozen=True, slots=True)
class Call:
    """A request in either signature's form. `text` is the string to sign, `signature` the one that was sent. `acs3`
    tells ACS3-HMAC-SHA256 from the RPC signature.
    """

    parameters: Mapping[str, str]
    key_id: str
    time: str
    nonce: str
    token: str
    text: str
    signature: str
    acs3: bool

    @property
    def wants_json(self) -> bool:
        """Whether the response is JSON. The RPC form has XML by default."""
        return self.acs3 or self.parameters.get("Format", "").upper() == "JSON"


_KEY_REFUSALS = {
    "InvalidAccessKeyId": (404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
    "InvalidSecurityToken": (400, "InvalidSecurityToken.Malformed", "The specified SecurityToken is malformed."),
    "SecurityTokenExpired": (400, "InvalidSecurityToken.Expired", "The specified SecurityToken has expired."),
    "AccessKeyIdAndSecurityTokenNotMatch": (
        400, "InvalidSecurityToken.MismatchWithAccessKey", "The specified SecurityToken mismatches the AccessKey."
    ),
}  # fmt: skip
"""OSS's error code for a key → STS's status, code and message for it."""


def is_sts(request: Request) -> bool:
    """Whether a request is for STS: a POST to the service, which OSS does not have, or one with an Action."""
    return not request.bucket and (request.method == "POST" or "Action" in request.parameters)


class Nonces:
    """The nonces that were used. Each is valid once; those whose requests would be expired are removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def use(self, key_id: str, nonce: str, now: datetime) -> bool:
        """Record a nonce. False if it was used before."""
        with self._lock:
            while self._seen and (len(self._seen) >= MAX_NONCES or next(iter(self._seen.values())) < now - 2 * _SKEW):
                self._seen.popitem(last=False)
            if (key_id, nonce) in self._seen:
                return False
            self._seen[key_id, nonce] = now
            return True


class Sts:
    """Answers AssumeRole."""

    def __init__(self, keys: KeyRing, cipher: TokenCipher) -> None:
        self._keys = keys
        self._cipher = cipher
        self._nonces = Nonces()

    def answer(self, request: Request, now: datetime) -> Answer:
        """The response: temporary credentials or an error, in JSON or XML."""
        identifier = str(uuid.uuid4()).upper()
        wants_json = True
        try:
            call = read(request)
            wants_json = call.wants_json
            key = self._authenticate(call, now)
            content = self._described(self._assume_role(call, key, now))
            return document(200, "AssumeRoleResponse", {"RequestId": identifier, **content}, wants_json)
        except StsRefusal as refusal:
            return refused(refusal, identifier, request.host, wants_json)

    def _authenticate(self, call: Call, now: datetime) -> AccessKey:
        """The caller's key, also a temporary one. StsRefusal, checked in the order: time, key, signature, nonce."""
        if abs(now - _time(call.time)) > _SKEW:
            raise StsRefusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
        try:
            key = self._keys.find(call.key_id, call.token, now)
        except Refusal as refusal:
            raise StsRefusal(*_KEY_REFUSALS[refusal.code]) from refusal
        sign = sts.acs3_signature if call.acs3 else sts_rpc.signature
        if not hmac.compare_digest(sign(key.secret, call.text).encode(), call.signature.encode()):
            message = "Specified signature is not matched with our calculation. server string to sign is:"
            raise StsRefusal(400, "SignatureDoesNotMatch", message + call.text)
        if not self._nonces.use(call.key_id, call.nonce, now):
            raise StsRefusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        return key

    def _assume_role(self, call: Call, key: AccessKey, now: datetime) -> Session:
        given = call.parameters.get
        role = self._role(given("RoleArn", ""))
        if not may_assume(key, role):
            raise no_permission()
        name, narrowed = given("RoleSessionName", ""), given("Policy", "")
        if not name:
            raise missing("RoleSessionName")
        if not _SESSION_NAME.fullmatch(name):
            raise invalid("RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
        _check_policy(narrowed)
        seconds = _duration(given("DurationSeconds", ""), role)
        expires = int(now.timestamp()) + seconds
        return new_session(role.arn, name, narrowed, expires)

    def _role(self, arn: str) -> Role:
        if not arn:
            raise missing("RoleArn")
        if not _ROLE_ARN.fullmatch(arn):
            raise invalid("RoleArn", "The parameter RoleArn is wrongly formed.")
        role = self._keys.roles.get(arn)
        if role is None:
            raise StsRefusal(404, "EntityNotExist.Role", f"The role not exists: {arn}.")
        return role

    def _described(self, session: Session) -> dict[str, Mapping[str, str]]:
        # The same for each session of a role, as in RAM.
        role_id = f"3{int(hashlib.sha256(session.role_arn.encode()).hexdigest(), 16) % 10**17:017d}"
        return {
            "AssumedRoleUser": {
                "Arn": f"{session.role_arn}/{session.name}",
                "AssumedRoleId": f"{role_id}:{session.name}",
            },
            "Credentials": {
                "AccessKeyId": session.access_key_id,
                "AccessKeySecret": session.access_key_secret,
                "SecurityToken": self._cipher.encrypt(session),
                "Expiration": session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        }


def may_assume(key: AccessKey, role: Role) -> bool:
    """Whether the caller's policies allow it, and the role trusts the caller (RAM manual: "Trust policy")."""
    if not all(policy.allows(one, policy.Question("sts:AssumeRole", role.arn)) for one in key.policies):
        return False
    account = role.arn.split(":")[3]
    caller = f"acs:ram::{account}:user/{key.user}" if key.user else f"acs:ram::{account}:root"
    return role.trusted is None or bool({caller, f"acs:ram::{account}:root"} & {*role.trusted})


def read(request: Request) -> Call:
    """The call of a request. Parameters may be in the query or in a form body. StsRefusal if it is malformed."""
    body = request.body.whole(MAX_BODY_BYTES) if request.body.expected else b""
    parameters = dict(request.query)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        parameters |= dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if request.headers.get("authorization", "").startswith(sts.ALGORITHM):
        call = _acs3(request, parameters, body)
        action, version = request.headers.get("x-acs-action", ""), request.headers.get("x-acs-version", "")
    else:
        call = _rpc(request, parameters)
        action, version = parameters.get("Action", ""), parameters.get("Version", "")
    if action != sts.ACTION or version != sts.VERSION:
        raise StsRefusal(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
    return call


def _rpc(request: Request, parameters: Mapping[str, str]) -> Call:
    for name in ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp"):
        if not parameters.get(name):
            raise missing(name)
    if (parameters.get("SignatureMethod"), parameters.get("SignatureVersion")) != ("HMAC-SHA1", "1.0"):
        raise StsRefusal(400, "IncompleteSignature", "The signature method must be HMAC-SHA1, its version 1.0.")
    return Call(
        parameters, parameters["AccessKeyId"], parameters["Timestamp"], parameters["SignatureNonce"],
        parameters.get("SecurityToken", ""), sts_rpc.string_to_sign(request.method, parameters),
        parameters["Signature"], acs3=False,
    )  # fmt: skip


def _acs3(request: Request, parameters: Mapping[str, str], body: bytes) -> Call:
    value = request.headers["authorization"].removeprefix(sts.ALGORITHM)
    pieces = (piece.strip().partition("=") for piece in value.split(","))
    fields = {name: value for name, _, value in pieces}
    signed = sorted(name.strip().lower() for name in fields.get("SignedHeaders", "").split(";") if name.strip())
    needed = {"host", *(name for name in request.headers if name.startswith("x-acs-"))}
    payload = request.headers.get("x-acs-content-sha256", "")
    if not fields.get("Credential") or not fields.get("Signature") or not needed <= set(signed):
        raise StsRefusal(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
    for name in ("x-acs-date", "x-acs-signature-nonce"):
        if not request.headers.get(name):
            raise missing(name)
    if not hmac.compare_digest(payload.encode(), hashlib.sha256(body).hexdigest().encode()):
        raise StsRefusal(400, "IncompleteSignature", "x-acs-content-sha256 does not match the body.")
    canonical = sts.acs3_canonical_request(request.method, parameters, request.headers, signed, payload)
    return Call(
        parameters, fields["Credential"], request.headers["x-acs-date"], request.headers["x-acs-signature-nonce"],
        request.headers.get("x-acs-security-token", ""), sts.acs3_string_to_sign(canonical), fields["Signature"],
        acs3=True,
    )  # fmt: skip


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or not text.endswith("Z"):
        raise StsRefusal(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
    return time.astimezone(UTC)


def _duration(text: str, role: Role) -> int:
    if not text:
        return min(sts.DEFAULT_DURATION_SECONDS, role.max_session_seconds)
    low, high = sts.MIN_DURATION_SECONDS, role.max_session_seconds
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high):
        raise invalid("DurationSeconds", f"The Min/Max value of DurationSeconds is {low}seconds/{high}seconds.")
    return int(text)


def _check_policy(text: str) -> None:
    if len(text) > sts.MAX_POLICY_CHARACTERS:
        raise invalid("PolicySize", f"The policy has more than {sts.MAX_POLICY_CHARACTERS} characters.")
    try:
        if text:
            policy.parse(text)
    except PolicyError as error:
        raise invalid("PolicyGrammar", f"The parameter Policy has not passed grammar check: {error}") from error
