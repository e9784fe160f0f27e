"""What the settings need at Alibaba Cloud.

It is printed as variables of the Terraform module in `deploy/terraform`, or as a template of ROS (Resource
Orchestration Service).

Rules of the bucket come from the functions that `configure_bucket` uses, policies from those of `ram_policy`.

Manuals: the Terraform provider alicloud, alicloud_oss_bucket and alicloud_oss_bucket_overwrite_config; ROS,
ALIYUN::OSS::Bucket, ALIYUN::OSS::BucketOverwriteConfig, ALIYUN::OSS::Domain, ALIYUN::RAM::ManagedPolicy and
ALIYUN::RAM::Role.

Rule: text only; nothing is asked and nothing is created.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from uploads.domain.destination import Destination
from uploads.domain.places import Place
from uploads.operations import bucket, lifecycle_rules, needed_rules, overwrite_rules
from uploads.operations.ram import Policies
from uploads.operations.ram_formats import ROLE_POLICY, SITE_POLICY, Names
from uploads.oss import lifecycle, overwrite
from uploads.oss.cors import CorsConfiguration, CorsRule


@dataclass(frozen=True, slots=True)
class Needs:
    """What one bucket needs. `domains`: the custom domains that browsers send parts to. `is_public`: whether a
    destination may make objects public. `policies`: None where the policies of another bucket's key hold for this one,
    too."""

    place: Place
    cors: tuple[CorsRule, ...]
    lifecycle: tuple[lifecycle.Rule, ...]
    overwrite: tuple[overwrite.OverwriteRule, ...]
    domains: tuple[str, ...]
    is_public: bool
    names: Names
    policies: Policies | None


def needs(
    places: Sequence[Place],
    destinations: Sequence[Destination],
    origins: Iterable[str],
    names: Names,
    policies: Policies | None,
) -> Needs:
    """What a bucket without any rules needs. `places`: all that are this bucket, with the chosen one first.

    Raises ValueError for more rules than OSS allows.
    """
    rules = lifecycle_rules.fitting(None, destinations)
    aged = lifecycle.merged(None, lifecycle_rules.IDS, rules.aborts, rules.expirations)
    protected = overwrite.merged(None, overwrite_rules.IDS, needed_rules.protected_prefixes(destinations))
    domains = [urlsplit(each.url).netloc for place in places for each in place.addresses if each.addressing == "cname"]
    return Needs(
        places[0],
        bucket.merge_cors(CorsConfiguration(), origins).rules,
        lifecycle.read(aged) if aged else (),
        overwrite.read(protected) if protected else (),
        tuple(dict.fromkeys(domains)),
        any(each.acl.startswith("public-") or "acl" in each.client_options for each in destinations),
        names,
        policies,
    )


def as_terraform(given: Needs) -> str:
    """A file *.auto.tfvars.json beside a configuration that passes these variables to the module."""
    values: dict[str, Any] = {
        "region": given.place.region,
        "bucket": given.place.bucket,
        "domains": list(given.domains),
        "block_public_access": not given.is_public,
        "cors_rules": [
            {
                "allowed_origins": list(rule.allowed_origins),
                "allowed_methods": list(rule.allowed_methods),
                "allowed_headers": list(rule.allowed_headers),
                "expose_headers": list(rule.expose_headers),
                "max_age_seconds": rule.max_age_seconds,
            }
            for rule in given.cors
        ],
        "lifecycle_rules": [
            {
                "id": rule.id,
                "prefix": rule.prefix,
                "abort_days": _days(rule.abort),
                "expire_days": _days(rule.expiration),
            }
            for rule in given.lifecycle
        ],
        "overwrite_rules": [{"id": rule.id, "prefix": rule.prefix} for rule in given.overwrite],
    }
    return json.dumps(values | _terraform_identities(given), indent=2, ensure_ascii=False)


def _terraform_identities(given: Needs) -> dict[str, Any]:
    names, policies = given.names, given.policies
    if policies is None:
        return {}
    site = {
        "kind": names.kind,
        "name": names.name,
        "policy_name": names.policy(SITE_POLICY),
        "policy": _compact(policies.site),
    }
    if policies.role is None:
        return {"site": site}
    browsers = {
        "role_name": names.role,
        "max_session_seconds": names.session_seconds,
        "trust": _compact(policies.trust),
        "policy_name": names.policy(ROLE_POLICY),
        "policy": _compact(policies.role),
    }
    return {"site": site, "browsers": browsers}


def as_ros(given: Needs) -> str:
    """A template of ROS. The site's user or role must exist."""
    resources: dict[str, Any] = {"Bucket": _ros_bucket(given)}
    if given.overwrite:
        rules = [{"Id": rule.id, "Action": overwrite.FORBID, "Prefix": rule.prefix} for rule in given.overwrite]
        properties = {"Bucket": {"Fn::GetAtt": ["Bucket", "Name"]}, "Rule": rules}
        resources["OverwriteProtection"] = {"Type": "ALIYUN::OSS::BucketOverwriteConfig", "Properties": properties}
    for number, domain in enumerate(given.domains):
        properties = {"BucketName": {"Fn::GetAtt": ["Bucket", "Name"]}, "DomainName": domain}
        resources[f"Domain{number or ''}"] = {"Type": "ALIYUN::OSS::Domain", "Properties": properties}
    resources |= _ros_identities(given)
    template = {
        "ROSTemplateFormatVersion": "2015-09-01",
        "Description": f"The bucket {given.place.bucket} for OSS Uploads, and the RAM policies of the site.",
        "Resources": resources,
        "Outputs": {"InternalDomain": {"Value": {"Fn::GetAtt": ["Bucket", "InternalDomainName"]}}},
    }
    return json.dumps(template, indent=2, ensure_ascii=False)


def _ros_bucket(given: Needs) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "BucketName": given.place.bucket,
        "AccessControl": "private",
        "BlockPublicAccess": not given.is_public,
        "CORSConfiguration": {
            "CORSRule": [
                {
                    "AllowedOrigin": list(rule.allowed_origins),
                    "AllowedMethod": list(rule.allowed_methods),
                    "AllowedHeader": list(rule.allowed_headers),
                    "ExposeHeader": list(rule.expose_headers),
                    "MaxAgeSeconds": rule.max_age_seconds,
                }
                for rule in given.cors
            ]
        },
    }
    if given.lifecycle:
        properties["LifecycleConfiguration"] = {"Rule": [_ros_lifecycle(rule) for rule in given.lifecycle]}
    # A stack that is deleted leaves the users' files.
    return {"Type": "ALIYUN::OSS::Bucket", "DeletionPolicy": "Retain", "Properties": properties}


def _ros_lifecycle(rule: lifecycle.Rule) -> dict[str, Any]:
    found: dict[str, Any] = {"ID": rule.id, "Prefix": rule.prefix, "Status": "Enabled"}
    if rule.abort is not None:
        found["AbortMultipartUpload"] = {"Days": rule.abort.days}
    if rule.expiration is not None:
        found["Expiration"] = {"Days": rule.expiration.days}
    return found


def _ros_identities(given: Needs) -> dict[str, Any]:
    names, policies = given.names, given.policies
    if policies is None:
        return {}
    resources = {"SitePolicy": _ros_policy(names.policy(SITE_POLICY), policies.site, names.kind, names.name)}
    if policies.role is not None and policies.trust is not None:
        properties = {
            "RoleName": names.role,
            "AssumeRolePolicyDocument": policies.trust,
            "MaxSessionDuration": names.session_seconds,
        }
        resources["BrowsersRole"] = {"Type": "ALIYUN::RAM::Role", "Properties": properties}
        made = {"Fn::GetAtt": ["BrowsersRole", "RoleName"]}
        resources["BrowsersPolicy"] = _ros_policy(names.policy(ROLE_POLICY), policies.role, "role", made)
    return resources


def _ros_policy(name: str, document: Mapping[str, Any], kind: str, attached: Any) -> dict[str, Any]:
    properties = {"PolicyName": name, "PolicyDocument": document, f"{kind.title()}s": [attached]}
    return {"Type": "ALIYUN::RAM::ManagedPolicy", "Properties": properties}


def _days(age: lifecycle.Age | None) -> int | None:
    return age.days if age is not None else None


def _compact(document: Mapping[str, Any] | None) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Needs], str]] = {"terraform": as_terraform, "ros": as_ros}
"""By the value of `--format`."""
