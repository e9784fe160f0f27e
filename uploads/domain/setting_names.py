"""How the settings of a place are called, for messages: texts name those of the default place, such as OSS_ENDPOINT.

Rule: pure. A text is translated first. No translation changes the name of a setting or of a command.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

CREDENTIALS = {
    "OSS_ACCESS_KEY_ID": "access_key_id",
    "OSS_ACCESS_KEY_SECRET": "access_key_secret",
    "OSS_SESSION_TOKEN": "security_token",
    "OSS_SESSION_EXPIRES": "expires_at",
}
"""The settings of a key pair, and what they are called among credentials that are a dict."""
RAM_POLICY = "manage.py ram_policy"
BESIDE = {"OSS_BUCKET": "DESTINATIONS[…]['bucket']"}
"""The names of a bucket beside OSS_BUCKET that only a destination names."""
_NAME = re.compile(rf"(?<![A-Za-z0-9_])OSS_[A-Z_]+[A-Z]|{RAM_POLICY}")


def names_of_credentials(setting: str, value: object) -> dict[str, str]:
    """The names of a key pair's settings where `setting` says where credentials come from."""
    is_key_pair = isinstance(value, Mapping) and "access_key_id" in value
    return {name: f"{setting}[{key!r}]" if is_key_pair else setting for name, key in CREDENTIALS.items()}


def names_of_entry(name: str, values: Mapping[str, Any], default: Mapping[str, str]) -> dict[str, str]:
    """The names for an entry of BUCKETS. `default`: those of the default place, which the entry inherits."""

    def own(key: str) -> str:
        return f"BUCKETS[{name!r}][{key!r}]"

    names = {**default, "OSS_BUCKET": own("bucket"), RAM_POLICY: f"{RAM_POLICY} --bucket {shlex.quote(name)}"}
    if values.get("endpoint") or values.get("public_endpoint"):
        behind = "endpoint" if values.get("public_endpoint") and values.get("endpoint") else "internal_endpoint"
        names |= {
            "OSS_ENDPOINT": own("public_endpoint" if values.get("public_endpoint") else "endpoint"),
            "OSS_MORE_ENDPOINTS": own("more_endpoints"),
            "OSS_INTERNAL_ENDPOINT": own("internal_endpoint" if values.get("internal_endpoint") else behind),
            "OSS_ADDRESSING": own("addressing"),
            "OSS_REGION": own("region"),
        }
    if values.get("credentials"):
        names |= names_of_credentials(own("credentials"), values["credentials"])
    for setting, key in (("OSS_STS_ROLE_ARN", "role"), ("OSS_STS_ENDPOINT", "sts_endpoint")):
        if values.get(key) or values.get("credentials"):
            names[setting] = own(key)
    return names


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with these names in place of those of the default place."""
    return _NAME.sub(lambda found: names.get(found[0], found[0]), text) if names else text
