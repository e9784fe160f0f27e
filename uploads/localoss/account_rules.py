"""The rules of OSS for new accounts and buckets, each of which can be switched on by its name.

Rule: a server without rules behaves like an account that was opened long ago.
"""

from collections.abc import Iterable, Mapping

from uploads.localoss.endpoints import KINDS, Kind
from uploads.localoss.errors import Refusal

ACCOUNT_RULES: Mapping[str, str] = {
    "public-endpoint-forbidden": "data calls on the default public endpoints of mainland regions are refused",
    "v1-forbidden": "V1 signatures are refused",
    "path-style-forbidden": "buckets must be named in the host name",
    "forced-download": "objects on default domains are downloads, which browsers do not show",
    "apk-forbidden": "APK and IPA files cannot be downloaded from default domains",
    "redirect-forbidden": "redirects on default domains are refused",
    "block-public-access": "new buckets have Block Public Access enabled",
    "kms-not-enabled": "KMS is not enabled for the account",
    "refusals-without-cors": "the refusals by these rules have no CORS headers",
}
"""The rules by name, with their effects."""

GROUPS: Mapping[str, frozenset[str]] = {
    "2026": frozenset(ACCOUNT_RULES) - {"kms-not-enabled", "refusals-without-cors"},
}
"""Several rules under one name. 2026: what holds for an account and a bucket made in 2026."""


def parse(names: Iterable[str]) -> frozenset[str]:
    """The rules of these names of rules and groups. ValueError for any other name."""
    rules: set[str] = set()
    for name in names:
        if name not in ACCOUNT_RULES and name not in GROUPS:
            known = ", ".join((*GROUPS, *ACCOUNT_RULES))
            raise ValueError(f"There is no account rule {name!r}. Known: {known}.")
        rules |= GROUPS.get(name, {name})
    return frozenset(rules)


class RuleRefusal(Refusal):
    """A refusal by one of these rules."""


def v1_refusal(field: str) -> RuleRefusal:
    """The error for a V1 signature, given in `field`. OSS's own error for it is not published; it may differ."""
    message = "The V1 signature is not available for this account. Use OSS4-HMAC-SHA256."
    return RuleRefusal("InvalidArgument", {"ArgumentName": field, "ArgumentValue": ""}, message=message)


class AccountRules:
    """The rules that hold now, and the kinds of endpoint that local host names play. Both may be replaced while the
    server runs."""

    def __init__(self, rules: frozenset[str], kinds: Mapping[str, Kind]) -> None:
        self.current = rules
        self.kinds = dict(kinds)

    def replace(self, content: object) -> None:
        """Take the rules and kinds of a JSON object `{"rules": [...], "endpoints": {"localhost": "public"}}`; without
        `endpoints` the kinds stay. ValueError for anything else; then nothing changes."""
        if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
            raise ValueError('Expected {"rules": [...], "endpoints": {...}}.')
        rules = parse(str(name) for name in content["rules"])
        endpoints = content.get("endpoints", self.kinds)
        if not isinstance(endpoints, dict) or not all(kind in KINDS for kind in endpoints.values()):
            raise ValueError(f"The kinds of endpoints are {', '.join(KINDS)}.")
        self.current, self.kinds = rules, {str(host).lower(): kind for host, kind in endpoints.items()}

    def report(self) -> dict[str, object]:
        """The rules and kinds, as `replace` takes them."""
        return {"rules": sorted(self.current), "endpoints": self.kinds}
