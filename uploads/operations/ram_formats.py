"""RAM policies as JSON, as lines of the `aliyun` command line, and as Terraform.

Manuals: RAM, CreatePolicy, CreateRole, AttachPolicyToUser and AttachPolicyToRole; the Terraform provider alicloud,
alicloud_ram_policy, alicloud_ram_role and their attachments.

Rule: pure. Text only; nothing is created.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from uploads.operations.ram import Policies
from uploads.oss.sts import DEFAULT_DURATION_SECONDS

MAX_POLICY_CHARACTERS = 6144
"""Characters of a custom policy. Manual, RAM, "Limits"."""
SITE_POLICY, ROLE_POLICY = "oss-uploads-site", "oss-uploads-browsers"
"""The names of the policies that are created; with the place's name behind them for one of BUCKETS."""


@dataclass(frozen=True, slots=True)
class Names:
    """`identity`: user/NAME or role/NAME, whose key the site has. `role`: the name of the role for browsers.
    `session_seconds`: the longest session that a destination asks for. `place`: a name in BUCKETS."""

    identity: str
    role: str = ""
    session_seconds: int = DEFAULT_DURATION_SECONDS
    place: str = ""

    def policy(self, name: str) -> str:
        """The name of a policy. RAM takes letters, digits and hyphens (CreatePolicy, PolicyName)."""
        return f"{name}-{re.sub('[^A-Za-z0-9-]', '-', self.place)}" if self.place else name

    @property
    def kind(self) -> str:
        """`user` or `role`: what the site's identity is."""
        return self.identity.partition("/")[0]

    @property
    def name(self) -> str:
        """The name of the site's identity."""
        return self.identity.partition("/")[2]


def as_json(policies: Policies, names: Names) -> str:
    """One object: `site`, `role` and `trust`."""
    return json.dumps(policies.as_dict(), indent=2, ensure_ascii=False)


def as_commands(policies: Policies, names: Names) -> str:
    """Lines for a shell with the `aliyun` command. The site's user or role must exist."""
    return "\n".join(_commands(policies, names))


def _commands(policies: Policies, names: Names) -> Iterator[str]:
    yield _create_policy(names.policy(SITE_POLICY), policies.site)
    yield _attach(names.policy(SITE_POLICY), names.kind, names.name)
    if policies.role is None or policies.trust is None:
        return
    yield _create_policy(names.policy(ROLE_POLICY), policies.role)
    yield _command(
        "CreateRole",
        RoleName=names.role,
        AssumeRolePolicyDocument=_compact(policies.trust),
        MaxSessionDuration=str(names.session_seconds),
    )
    yield _attach(names.policy(ROLE_POLICY), "role", names.role)


def _create_policy(name: str, document: Mapping[str, Any]) -> str:
    return _command("CreatePolicy", PolicyName=name, PolicyDocument=_compact(document))


def _attach(policy: str, kind: str, name: str) -> str:
    title = kind.title()
    return _command(f"AttachPolicyTo{title}", PolicyType="Custom", PolicyName=policy, **{f"{title}Name": name})


def _command(action: str, **parameters: str) -> str:
    words = [word for name, value in parameters.items() for word in (f"--{name}", value)]
    return shlex.join(["aliyun", "ram", action, *words])


def _compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def as_terraform(policies: Policies, names: Names) -> str:
    """Resources of the provider alicloud. The site's user or role must exist."""
    site = _policy_block("site", names.policy(SITE_POLICY), policies.site)
    blocks = [site, _attachment_block("site", names.kind, names.name)]
    if policies.role is not None and policies.trust is not None:
        fields = [
            f"  role_name                   = {_text(names.role)}",
            f"  assume_role_policy_document = {_heredoc(policies.trust)}",
            f"  max_session_duration        = {names.session_seconds}",
        ]
        blocks.append("\n".join(['resource "alicloud_ram_role" "browsers" {', *fields, "}"]))
        blocks.append(_policy_block("browsers", names.policy(ROLE_POLICY), policies.role))
        blocks.append(_attachment_block("browsers", "role", "alicloud_ram_role.browsers.role_name", quote=False))
    return "\n\n".join(blocks)


def _policy_block(label: str, name: str, document: Mapping[str, Any]) -> str:
    fields = [f"  policy_name     = {_text(name)}", f"  policy_document = {_heredoc(document)}"]
    return "\n".join([f'resource "alicloud_ram_policy" "{label}" {{', *fields, "}"])


def _attachment_block(label: str, kind: str, name: str, *, quote: bool = True) -> str:
    fields = [
        f"  policy_name = alicloud_ram_policy.{label}.policy_name",
        f"  policy_type = alicloud_ram_policy.{label}.type",
        f"  {f'{kind}_name':<11} = {_text(name) if quote else name}",
    ]
    return "\n".join([f'resource "alicloud_ram_{kind}_policy_attachment" "{label}" {{', *fields, "}"])


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _heredoc(document: Mapping[str, Any]) -> str:
    """A literal document: `${` and `%{` would begin a template."""
    text = json.dumps(document, indent=2, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return f"<<EOF\n{text}\nEOF"


FORMATS: Mapping[str, Callable[[Policies, Names], str]] = {
    "json": as_json,
    "aliyun": as_commands,
    "terraform": as_terraform,
}
"""By the value of `--format`."""
