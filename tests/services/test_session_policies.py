"""The session policies, word by word: what they name is all that a browser may do."""

import json
from typing import Any

import pytest

from uploads.domain.destination import Destination
from uploads.services.session_policies import (
    browser_permissions,
    issues_for_prefix,
    kms_resource,
    prefix_policy,
    upload_policy,
    uses_kms,
)

BUCKET, KEY, REGION = "films", "uploads/7/a.mp4", "cn-hangzhou"
OBJECT = f"acs:oss:*:*:{BUCKET}/{KEY}"
ENCRYPTING = ["kms:GenerateDataKey", "kms:Decrypt"]
OWN_PREFIX = [
    "oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload", "oss:GetObject",
]  # fmt: skip


def statements(policy: str) -> list[dict[str, Any]]:
    document = json.loads(policy)
    assert document["Version"] == "1"
    return document["Statement"]


def nothing_public(*acls: str) -> dict[str, Any]:
    condition = {"StringEquals": {"oss:x-oss-object-acl": list(acls)}}
    return {"Effect": "Deny", "Action": ["oss:PutObject"], "Resource": ["*"], "Condition": condition}


def allowed(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": [resource]}


@pytest.mark.parametrize(
    ("options", "key_name", "acls"),
    [
        ({}, None, ["public-read", "public-read-write"]),
        ({"acl": "private"}, None, ["public-read", "public-read-write"]),
        ({"acl": "public-read"}, None, ["public-read-write"]),
        ({"acl": "public-read-write"}, None, ["public-read"]),
        ({"encryption": "AES256"}, None, ["public-read", "public-read-write"]),
        ({"encryption": "KMS"}, "*", ["public-read", "public-read-write"]),
        ({"encryption": "KMS", "encryption_key_id": "k-1"}, "k-1", ["public-read", "public-read-write"]),
    ],
)
def test_one_upload_is_one_key_and_one_action(options: dict[str, Any], key_name: str | None, acls: list[str]) -> None:
    kms = [allowed(ENCRYPTING, f"acs:kms:{REGION}:*:key/{key_name}")] if key_name else []
    expected = [allowed(["oss:PutObject"], OBJECT), *kms, nothing_public(*acls)]
    assert statements(upload_policy(BUCKET, KEY, options, REGION)) == expected


def test_a_prefix_is_its_objects_and_a_listing_of_them() -> None:
    destination = Destination("default", credentials="prefix")
    listing = allowed(["oss:ListObjects"], f"acs:oss:*:*:{BUCKET}")
    assert statements(prefix_policy(destination, BUCKET, "uploads/7/", REGION)) == [
        allowed(OWN_PREFIX, f"acs:oss:*:*:{BUCKET}/uploads/7/*"),
        {**listing, "Condition": {"StringLike": {"oss:Prefix": ["uploads/7/*"]}}},
        nothing_public("public-read", "public-read-write"),
    ]


def test_a_prefix_of_a_destination_that_leaves_more_to_the_client() -> None:
    destination = Destination(
        "default", credentials="prefix", acl="public-read", client_options=["tagging", "encryption"]
    )
    objects, _, kms, denied = statements(prefix_policy(destination, BUCKET, "uploads/7/", REGION))
    assert objects["Action"] == ["oss:PutObject", "oss:PutObjectTagging", *OWN_PREFIX[1:]]
    assert kms == allowed(ENCRYPTING, f"acs:kms:{REGION}:*:key/*")
    assert denied == nothing_public("public-read-write")


@pytest.mark.parametrize(
    ("values", "uses", "resource"),
    [
        ({}, False, "*"),
        ({"encryption": "AES256"}, False, "*"),
        ({"encryption": "KMS", "encryption_key_id": "k-1"}, True, "k-1"),
        ({"client_options": ["encryption"]}, True, "*"),
        ({"encryption": "KMS", "encryption_key_id": "k-1", "client_options": ["encryption_key_id"]}, True, "*"),
    ],
)
def test_the_key_in_kms(values: dict[str, Any], uses: bool, resource: str) -> None:
    destination = Destination("default", **values)
    assert uses_kms(destination) is uses
    assert kms_resource(destination, REGION) == f"acs:kms:{REGION}:*:key/{resource}"


@pytest.mark.parametrize(
    ("values", "for_prefix", "actions"),
    [
        ({"credentials": ""}, False, []),
        ({"credentials": "upload", "client_options": ["tagging"]}, False, ["oss:PutObject"]),
        ({"credentials": "upload", "encryption": "KMS"}, False, ["oss:PutObject", *ENCRYPTING]),
        ({"credentials": "prefix"}, True, [*OWN_PREFIX, "oss:ListObjects"]),
        ({"credentials": "prefix", "stage": True}, False, ["oss:PutObject"]),
    ],
)
def test_what_the_role_must_allow(values: dict[str, Any], for_prefix: bool, actions: list[str]) -> None:
    destination = Destination("default", **values)
    assert issues_for_prefix(destination) is for_prefix
    assert [each.action for each in browser_permissions(destination)] == actions
