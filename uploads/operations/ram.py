"""The least RAM policies for the settings: of the site's own key, of the role for temporary credentials, and the trust
policy of that role.

Manual: RAM, "Policy structure and syntax"; OSS, "RAM policies".

Rule: made from the operations that the code calls and signs, by `oss.permissions`. Nothing is asked of OSS.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from uploads.conf import settings
from uploads.domain.destination import Destination
from uploads.domain.places import Place
from uploads.operations.needed_rules import days_until_abort, days_until_expiry, protected_prefixes
from uploads.oss import permissions, policy
from uploads.oss.permissions import Permission, Target
from uploads.services.session_policies import browser_permissions, issues_for_prefix, kms_resource, uses_kms
from uploads.storage import OssStorage

UPLOADS = (
    "InitiateMultipartUpload", "UploadPart", "PostObject", "PutObject", "CompleteMultipartUpload",
    "AbortMultipartUpload", "ListParts", "ListMultipartUploads", "HeadObject", "GetObjectACL", "GetObject",
    "DeleteObject", "GetBucketInfo", "GetBucketLifecycle",
)  # fmt: skip
"""What the server does and signs for every destination."""
COPIES = (
    "CopyObject", "InitiateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload",
    "ListParts", "HeadObject", "GetObject", "DeleteObject",
)  # fmt: skip
"""What it does at the final keys of staged files."""
SEARCH = ("ListObjectsV2",)
"""How the sweep finds what browsers stored with credentials for their prefix, and objects without a row."""
STORAGE = (
    "PutObject", "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload",
    "HeadObject", "GetObject", "DeleteObject", "ListObjectsV2",
)  # fmt: skip
"""What `uploads.storage.OssStorage` does."""
DOCTOR = (
    "GetBucketLocation", "GetBucketInfo", "GetBucketLifecycle", "GetBucketOverwriteConfig", "GetBucketWorm",
    "GetBucketRequestPayment",
)  # fmt: skip
"""What the doctor reads besides."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Policies as RAM takes them. `role` and `trust` are None if no destination issues temporary credentials."""

    site: dict[str, Any]
    role: dict[str, Any] | None = None
    trust: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Those that there are, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


def policies(identity: str, *, bucket: str = "", setup: bool = True) -> Policies:
    """The policies of the settings. `identity` assumes the role: user/NAME or role/NAME, of the role's account.

    `bucket`: a name in BUCKETS; they are those of its credentials, for all buckets and roles that these reach, and of
    its own role. Without `setup` the site's policy leaves out what only configure_bucket and doctor need.
    """
    site, role, chosen = _Grants(), _Grants(), settings.place(bucket)
    assumed: set[str] = set()
    for name, destinations in settings.buckets.items():
        place = settings.place(name)
        if place.credentials != chosen.credentials:
            continue
        for destination in destinations:
            _grant_uploads(site, place, destination)
            if destination.credentials and place.role:
                assumed.add(place.role)
            if place.role == chosen.role:
                _grant_browsers(role, place, destination)
        if setup:
            site.allow(permissions.required(_setup(settings.destinations_in(place))), place.bucket)
    for place, prefix, options in _storages():
        if place.credentials != chosen.credentials:
            continue
        tagged, kms = bool(options.get("tagging")), options.get("encryption") == "KMS"
        key = policy.kms_resource(place.region, str(options.get("encryption_key_id") or ""))
        site.allow(permissions.required(STORAGE, tagged=tagged, kms=kms), place.bucket, (prefix,), kms_key=key)
    for each in sorted(assumed):
        site.allow(permissions.required(["AssumeRole"]), role=each)
    if chosen.role not in assumed:
        return Policies(site.document())
    account = chosen.role.split(":")[3]
    trusted = {"RAM": [f"acs:ram::{account}:{identity}"]}
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    return Policies(site.document(), role.document(), {"Version": "1", "Statement": [assume]})


def issuing(bucket: str = "") -> list[Destination]:
    """The destinations that issue credentials of the role of this place."""
    chosen = settings.place(bucket)
    places = ((settings.place(name), destinations) for name, destinations in settings.buckets.items())
    return [
        each
        for place, destinations in places
        if (place.credentials, place.role) == (chosen.credentials, chosen.role)
        for each in destinations
        if each.credentials
    ]


def _grant_uploads(site: "_Grants", place: Place, destination: Destination) -> None:
    kms, key = uses_kms(destination), kms_resource(destination, place.region)
    tagged = bool(destination.tagging) or "tagging" in destination.client_options
    # A staged file has no tags until it is copied to its own key.
    written = (destination.stage_prefix,) if destination.stage else (destination.prefix,)
    browsers_tag = tagged and not destination.stage
    site.allow(permissions.required(UPLOADS, tagged=browsers_tag, kms=kms), place.bucket, written, kms_key=key)
    if destination.stage:
        copying = permissions.required(COPIES, tagged=tagged, kms=kms)
        site.allow(copying, place.bucket, (destination.prefix,), kms_key=key, sources=written)
    if destination.has_own_prefix:
        site.allow(permissions.required(SEARCH), place.bucket, destination.prefixes)
    if issues_for_prefix(destination):
        search = (*SEARCH, *(["GetObjectTagging"] if "tagging" in destination.client_options else []))
        site.allow(permissions.required(search), place.bucket, written)


def _grant_browsers(role: "_Grants", place: Place, destination: Destination) -> None:
    written = (destination.stage_prefix,) if destination.stage else (destination.prefix,)
    key = kms_resource(destination, place.region)
    role.allow(browser_permissions(destination), place.bucket, written, kms_key=key)


def _setup(destinations: Sequence[Destination]) -> Iterator[str]:
    """The operations of configure_bucket and of doctor on the bucket itself."""
    yield from DOCTOR
    yield from ("GetBucketCors", "PutBucketCors")
    if days_until_abort(destinations) or days_until_expiry(destinations):
        yield "PutBucketLifecycle"
    yield "PutBucketOverwriteConfig" if protected_prefixes(destinations) else "DeleteBucketOverwriteConfig"


def _storages() -> Iterator[tuple[Place, str, dict[str, Any]]]:
    """Place, prefix and options of each OssStorage in Django's STORAGES."""
    for given in django_settings.STORAGES.values():
        if issubclass(import_string(given["BACKEND"]), OssStorage):
            options = given.get("OPTIONS") or {}
            yield settings.place(options.get("bucket") or ""), options.get("prefix", ""), options


class _Grants:
    """Actions, each with the resources that it is allowed on."""

    def __init__(self) -> None:
        self._resources: dict[str, set[str]] = {}
        self._listed: dict[tuple[str, str], set[str]] = {}

    def allow(
        self,
        required: Iterable[Permission],
        bucket: str = "",
        prefixes: Sequence[str] = (),
        *,
        sources: Sequence[str] = (),
        kms_key: str = "",
        role: str = "",
    ) -> None:
        """Allow each of these on its resource: objects below `prefixes`, copied ones below `sources`."""
        resources = {
            Target.OBJECT: [policy.object_resource(bucket, prefix) + "*" for prefix in prefixes],
            Target.SOURCE: [policy.object_resource(bucket, prefix) + "*" for prefix in sources],
            Target.BUCKET: [policy.bucket_resource(bucket)],
            Target.KMS_KEY: [kms_key],
            Target.ROLE: [role],
        }
        for permission in required:
            if permission.target is Target.LISTING:
                patterns = {f"{prefix}*" for prefix in prefixes}
                self._listed.setdefault((permission.action, policy.bucket_resource(bucket)), set()).update(patterns)
            else:
                self._resources.setdefault(permission.action, set()).update(resources[permission.target])

    def document(self) -> dict[str, Any]:
        """The policy, with one statement for each set of resources."""
        together: dict[tuple[str, ...], list[str]] = {}
        for action, resources in self._resources.items():
            together.setdefault(_outermost(resources), []).append(action)
        statements = [policy.allow(sorted(actions), resources) for resources, actions in sorted(together.items())]
        for (action, bucket), patterns in sorted(self._listed.items()):
            statements.append(policy.allow([action], [bucket], policy.with_prefix(*_outermost(patterns))))
        document: dict[str, Any] = json.loads(policy.document(statements))
        return document


def _outermost(patterns: Iterable[str]) -> tuple[str, ...]:
    """These patterns, sorted, without those that another one includes."""
    kept: list[str] = []
    for pattern in sorted(patterns):
        if not any(outer.endswith("*") and pattern.startswith(outer[:-1]) for outer in kept):
            kept.append(pattern)
    return tuple(kept)
