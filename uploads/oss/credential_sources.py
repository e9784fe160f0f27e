"""Where the server's credentials come from: what a value of the setting `CREDENTIALS` means.

    "ecs_ram_role"                                the RAM role of the ECS instance (metadata service)
    {"type": "oidc_role_arn", "role_arn": …}      a RAM role for a service account of Kubernetes (RRSA)
    {"type": "access_key", "access_key_id": …}    a key pair of a RAM user
    "project.secrets.oss_credentials"             a function, by its dotted path

The types and their options have the names of the vendor's package `alibabacloud-credentials`, which makes the requests:
https://www.alibabacloud.com/help/en/sdk/developer-reference/v2-manage-python-access-credentials

Rule: a source is asked for credentials and keeps none; `uploads.oss.providers` caches them. The package is an optional
dependency, so it is imported when credentials are first needed. Its messages may quote secrets and are never shown.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import MappingProxyType
from typing import Any

from uploads.oss.signing import Credentials

PACKAGE = "alibabacloud_credentials"
SESSION_NAME = "oss-uploads"
"""The RoleSessionName of AssumeRoleWithOIDC, unless an option or ALIBABA_CLOUD_ROLE_SESSION_NAME names another."""
VENDOR_MARGIN = timedelta(minutes=15)
"""The vendor's package renews what it caches so long before its end (`RefreshCachedSupplier.STALE_TIME`). Its profiles
and its default chain do not tell when credentials expire, so each answer of theirs is trusted for this time."""


@dataclass(frozen=True, slots=True)
class Source:
    """`fetch` returns credentials from their origin, and raises any exception. `name` is for messages.

    `of_vendor`: the vendor's package fetches them. `trusted_for`: how long temporary credentials without an expiry are
    valid at least. `forget` is called when OSS has refused what was fetched: the next fetch shall not return it again.
    """

    name: str
    fetch: Callable[[], Credentials] = field(repr=False)
    of_vendor: bool = False
    trusted_for: timedelta | None = None
    forget: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of credentials. `required` and `optional` are its options.

    `variables`: options that the vendor's package also reads from the environment. `provider` is the name of the
    vendor's class. `keeps`: one object of the class is kept, because its credentials come without an expiry.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    provider: str = ""
    keeps: bool = False


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "access_key": Kind(("access_key_id", "access_key_secret")),
        "sts": Kind(("access_key_id", "access_key_secret", "security_token"), ("expires_at",)),
        "ecs_ram_role": Kind(optional=("role_name", "disable_imds_v1"), provider="EcsRamRoleCredentialsProvider"),
        "oidc_role_arn": Kind(
            ("role_arn", "oidc_provider_arn", "oidc_token_file_path"),
            ("role_session_name", "duration_seconds", "policy", "sts_region_id", "sts_endpoint", "enable_vpc"),
            {
                "role_arn": "ALIBABA_CLOUD_ROLE_ARN",
                "oidc_provider_arn": "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
                "oidc_token_file_path": "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
            },
            "OIDCRoleArnCredentialsProvider",
        ),
        "credentials_uri": Kind(("uri",), (), {"uri": "ALIBABA_CLOUD_CREDENTIALS_URI"}, "URLCredentialsProvider"),
        "profile": Kind(optional=("profile_name", "profile_file"), provider="ProfileCredentialsProvider", keeps=True),
        "default": Kind(provider="DefaultCredentialsProvider", keeps=True),
    }
)


def source_from(value: object) -> Source | Credentials:
    """The source that a value of the setting means; credentials themselves where nothing has to be asked.

    Raises ValueError, in words for an administrator and without quoting a secret. Nothing is requested.
    """
    if isinstance(value, Credentials):
        return value
    if callable(value):
        return _function(getattr(value, "__qualname__", type(value).__name__), value)
    if isinstance(value, str):
        if "." in value:
            return _function(value, _import(value))
        value = {"type": value}
    if not isinstance(value, Mapping):
        raise ValueError("it is neither a type, nor a dict, nor a function")
    options = {name: given for name, given in value.items() if name != "type" and given not in (None, "")}
    name = value.get("type")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(name, str):
        # Whatever is not a plain word may hold a secret.
        shown = repr(name) if name is None or re.fullmatch(r"\w{1,40}", str(name)) else "given"
        raise ValueError(f"the type {shown} is not one of {', '.join(KINDS)}")
    _check_options(kind, options)
    if not kind.provider:
        return _from_result(options)
    if kind.keeps:
        return _kept(name, kind, options)
    return Source(name, lambda: _ask(_vendor(name, kind, options)), of_vendor=True)


def needs_package(value: object) -> bool:
    """Whether the credentials of this value are fetched by the vendor's package."""
    source = source_from(value)
    return isinstance(source, Source) and source.of_vendor


def _check_options(kind: Kind, options: Mapping[str, Any]) -> None:
    if unknown := sorted(options.keys() - {*kind.required, *kind.optional}):
        known = ", ".join((*kind.required, *kind.optional)) or "none"
        raise ValueError(f"{unknown[0]!r} is not an option of this type; the options are: {known}")
    for name in kind.required:
        variable = kind.variables.get(name, "")
        if name not in options and not os.environ.get(variable):
            raise ValueError(f"{name} is missing" + (f" (or set {variable})" if variable else ""))


def _function(name: str, function: Callable[[], object]) -> Source:
    return Source(name, lambda: _from_result(function()))


def _import(path: str) -> Callable[[], object]:
    module, _, name = path.rpartition(".")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} cannot be imported: {error}") from error
    if not callable(function):
        raise ValueError(f"{path} is not a function")
    return function  # type: ignore[no-any-return]


def _from_result(result: object) -> Credentials:
    """The credentials that a function returned, or that a dict of options holds. Raises ValueError."""
    if isinstance(result, Credentials):
        return result
    if not isinstance(result, Mapping):
        raise ValueError("the function must return Credentials or a dict")
    texts = [result.get(name) for name in ("access_key_id", "access_key_secret", "security_token")]
    if not (isinstance(texts[0], str) and isinstance(texts[1], str) and texts[0] and texts[1]):
        raise ValueError("access_key_id and access_key_secret must be texts")
    return Credentials(texts[0], texts[1], str(texts[2]) if texts[2] else None, time_from(result.get("expires_at")))


def time_from(given: object) -> datetime | None:
    """A datetime or ISO 8601 text as a time, UTC unless it says otherwise; None for None and for an empty text.

    Raises ValueError.
    """
    if given is None or given == "":
        return None
    try:
        time = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError as error:
        raise ValueError("expires_at is not a time such as 2026-01-15T09:30:00Z") from error
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


# The vendor's package


def _kept(name: str, kind: Kind, options: Mapping[str, Any]) -> Source:
    """One object of the vendor's, which caches temporary credentials. A new one, which reads its files again, is made
    after an error, after a refusal, and for each request of a key pair: it may have been replaced in the file."""
    made: list[Any] = []

    def fetch() -> Credentials:
        if not made:
            made.append(_vendor(name, kind, options))
        try:
            found = _ask(made[0])
        except Exception:
            made.clear()
            raise
        if not found.security_token:
            made.clear()
        return found

    return Source(name, fetch, of_vendor=True, trusted_for=VENDOR_MARGIN, forget=made.clear)


def _vendor(name: str, kind: Kind, options: Mapping[str, Any]) -> Any:
    """A new object of the vendor's class. A new one has cached nothing, and shares nothing with another process."""
    from uploads.oss import vendor_credentials

    given = dict(options)
    match name:
        case "ecs_ram_role":
            # Its own renewal needs a thread that does not survive a fork.
            given = {"disable_imds_v1": True, **given, "async_update_enabled": False}
        case "oidc_role_arn":
            session = os.environ.get("ALIBABA_CLOUD_ROLE_SESSION_NAME") or SESSION_NAME
            given = {"role_session_name": session, **given}
        case "credentials_uri":
            given["uri"] = vendor_credentials.with_port(given.get("uri") or os.environ[kind.variables["uri"]])
    return vendor_credentials.provider(kind.provider, given, requests=not kind.keeps)


def _ask(provider: Any) -> Credentials:
    found = provider.get_credentials()
    # Wrappers of the vendor's have a class of credentials without an expiry.
    expiration = found.get_expiration() if hasattr(found, "get_expiration") else None
    return Credentials(
        found.get_access_key_id(),
        found.get_access_key_secret(),
        found.get_security_token() or None,
        datetime.fromtimestamp(expiration, UTC) if expiration else None,
    )
