"""The issuer of bearer tokens that the API accepts, and what the claims of a token say about a user.

Rule: pure. Only algorithms with a public key are allowed: whoever has the issuer's public key cannot make a token.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
"""The algorithms that can be allowed, and the type of their keys (RFC 7518, RFC 8037)."""
DEFAULT_ALGORITHMS = ("RS256", "ES256")
MAX_LEEWAY = 300


@dataclass(frozen=True, slots=True)
class Role:
    """What users with one value in the claim of the roles may do."""

    staff: bool = False
    permissions: frozenset[str] = frozenset()
    """Django's names, such as uploads.view_upload."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a token is about. `issuer` and `subject` together never change and are never given again."""

    issuer: str
    subject: str
    name: str
    staff: bool = False
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Issuer:
    """`UPLOADS["OIDC"]`: whose tokens are accepted, for which audience, and what their claims mean."""

    issuer: str
    audience: tuple[str, ...]
    jwks_url: str = ""
    """Where the public keys are; empty: as the issuer's discovery document says."""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    leeway: int = 30
    """Seconds by which the clocks may differ."""
    username_claim: str = "sub"
    roles_claim: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    """All of them are required."""

    @classmethod
    def parse(cls, values: object) -> Self:
        """Raises ValueError, which names the key."""
        if not isinstance(values, Mapping):
            raise ValueError("not a dict")
        known = {each.name for each in fields(cls)}
        if unknown := sorted(str(name) for name in values if name not in known):
            raise ValueError(f"unknown key {unknown[0]!r}")
        found = cls(
            issuer=_url("issuer", values.get("issuer")),
            audience=_texts("audience", values.get("audience")),
            jwks_url=_url("jwks_url", values["jwks_url"]) if values.get("jwks_url") else "",
            algorithms=_texts("algorithms", values.get("algorithms") or DEFAULT_ALGORITHMS),
            leeway=values.get("leeway", 30),
            username_claim=str(values.get("username_claim") or "sub"),
            roles_claim=str(values.get("roles_claim") or ""),
            roles=dict(_roles(values.get("roles") or {})),
            scopes=_texts("scopes", values.get("scopes") or ()),
        )
        found._check()
        return found

    def _check(self) -> None:
        if not self.audience:
            raise ValueError("audience is missing: without it the API would accept tokens for other services")
        for algorithm in self.algorithms:
            if algorithm not in KEY_TYPES:
                raise ValueError(f"algorithms: {algorithm!r} is not one of {', '.join(KEY_TYPES)}")
        if not isinstance(self.leeway, int) or not 0 <= self.leeway <= MAX_LEEWAY:
            raise ValueError(f"leeway is not a number of seconds from 0 to {MAX_LEEWAY}")
        if self.roles and not self.roles_claim:
            raise ValueError("roles_claim is missing: roles says what its values mean")

    @property
    def discovery_url(self) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        return self.issuer.rstrip("/") + "/.well-known/openid-configuration"

    def identity(self, claims: Mapping[str, Any]) -> Identity:
        """The user of a token that was verified."""
        subject = str(claims["sub"])
        name = claim(claims, self.username_claim)
        held = [self.roles[each] for each in words(claim(claims, self.roles_claim)) if each in self.roles]
        return Identity(
            issuer=self.issuer,
            subject=subject,
            name=name if isinstance(name, str) and name else subject,
            staff=any(role.staff for role in held),
            permissions=frozenset().union(*(role.permissions for role in held)),
        )

    def missing_scopes(self, claims: Mapping[str, Any]) -> list[str]:
        """The required scopes that the token lacks. Issuers write them to `scope` (RFC 9068) or to `scp`."""
        held = {*words(claims.get("scope")), *words(claims.get("scp"))}
        return [scope for scope in self.scopes if scope not in held]


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this name, or of this path, such as realm_access.roles; None without it."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def words(value: object) -> tuple[str, ...]:
    """A claim that is a list of texts, or one text with spaces between them."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, (list, tuple)) else ()


def _url(name: str, value: object) -> str:
    text = value if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_url = False
    if not is_url or not text.isascii() or "#" in text:
        raise ValueError(f"{name} is not a URL such as https://login.example.com")
    return text


def _texts(name: str, value: object) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if found is None or not isinstance(found, (list, tuple)) or not all(isinstance(one, str) and one for one in found):
        raise ValueError(f"{name} is not a list of texts")
    return tuple(found)


def _roles(value: object) -> Iterator[tuple[str, Role]]:
    if not isinstance(value, Mapping):
        raise ValueError("roles is not a dict")
    for name, given in value.items():
        if not isinstance(given, Mapping) or given.keys() - {"staff", "permissions"}:
            raise ValueError(f"roles: {name!r} is not a dict with staff and permissions")
        staff = given.get("staff", False)
        if not isinstance(staff, bool):
            raise ValueError(f"roles: staff of {name!r} is not true or false")
        yield str(name), Role(staff, frozenset(_texts(f"roles: permissions of {name!r}", given.get("permissions", ()))))
