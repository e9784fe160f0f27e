"""The table of OSS's error codes, what is made of it, and what people are told by it."""

import re
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext

from tests import error_codes
from uploads.domain.errors import StorageBusy, StorageRefused, advice, from_storage
from uploads.localoss import answers
from uploads.localoss.errors import ERRORS, Refusal
from uploads.oss.error_codes import OSS_CODES, STS_CODES, ErrorCode, find, may_repeat
from uploads.oss.errors import Busy, Denied, OssError, Refused, from_answer, from_sts

LOCALOSS = Path(error_codes.ROOT / "uploads" / "localoss")
DENIED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error>
  <Code>AccessDenied</Code>
  <Message>Access denied by bucket policy.</Message>
  <RequestId>65AF5037A1B2C3D4E5F60708</RequestId>
  <HostId>mybucket.oss-cn-hangzhou.aliyuncs.com</HostId>
  <AccessDeniedDetail>
    <PolicyType>AccountLevelIdentityBasedPolicy</PolicyType>
    <AuthPrincipalType>SubUser</AuthPrincipalType>
    <NoPermissionType>%s</NoPermissionType>
    <AuthAction>oss:PutObject</AuthAction>
    <EncodedDiagnosticMessage>AQIBIAAAACB1</EncodedDiagnosticMessage>
  </AccessDeniedDetail>
  <EC>0003-00000201</EC>
  <RecommendDoc>https://api.aliyun.com/troubleshoot?q=0003-00000201</RecommendDoc>
</Error>"""
"""An answer in the form of OSS's page "0003-00000201"."""
ELSEWHERE = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error>
  <Code>AccessDenied</Code>
  <Message>The bucket you are attempting to access must be addressed using the specified endpoint. Please send all
future requests to this endpoint.</Message>
  <RequestId>6968A4F8C6D4B73530000001</RequestId>
  <HostId>mybucket.oss-cn-hangzhou.aliyuncs.com</HostId>
  <Bucket>mybucket</Bucket>
  <Endpoint>oss-cn-shanghai.aliyuncs.com</Endpoint>
</Error>"""


# What is made of it


@pytest.mark.parametrize("path", error_codes.FILES, ids=lambda path: path.name)
def test_what_is_made_of_the_table_is_that_of_now(path: Path) -> None:
    assert path.read_text() == error_codes.FILES[path](), f"run: {error_codes.COMMAND}"


@pytest.mark.parametrize("row", [*OSS_CODES, *STS_CODES], ids=lambda row: f"{row.code}-{row.ec}")
def test_each_row_is_whole(row: ErrorCode) -> None:
    assert row.cure.endswith(".")
    assert row.link.startswith("https://")
    assert re.fullmatch(r"(\d{4}-\d{8})?", row.ec)
    assert find(row.code, row.ec) == row or not row.ec
    with translation.override("zh-hans"):
        assert gettext(row.cure) != row.cure


def test_no_row_is_there_twice() -> None:
    keys = [(row.code, row.ec) for row in (*OSS_CODES, *STS_CODES)]
    assert len(keys) == len(set(keys))


def test_the_local_oss_answers_with_codes_of_the_table_alone() -> None:
    source = "".join(path.read_text() for path in sorted(LOCALOSS.rglob("*.py")))
    raised = set(re.findall(r'\bRefusal\(\s*"(\w+)"', source))
    assert raised <= set(ERRORS)
    by_sts = set(re.findall(r'\bStsRefusal\(\s*\d+, "([\w.]+)"', source)) | {
        "InvalidParameter.RoleArn",
        "MissingRoleArn",
    }
    assert by_sts
    assert {code for code in by_sts if find(code) is None} == set()


@pytest.mark.parametrize("code", ERRORS)
def test_the_local_oss_answers_what_the_client_reads(code: str) -> None:
    row = ERRORS[code]
    document = answers.error_document(Refusal(code), "R", "host")
    error = from_answer(row.status, {}, document)
    assert (error.code, error.message, error.ec) == (code, row.message, row.ec)
    assert error.retryable == row.repeat
    if row.ec:
        assert error.link == f"https://api.aliyun.com/troubleshoot?q={row.ec}"


# How it is read


@pytest.mark.parametrize(
    ("status", "code", "repeat"),
    [
        (400, "RequestTimeout", True),
        (400, "IncompleteBody", True),
        (400, "InvalidArgument", False),
        (400, "Throttling.User", True),
        (400, "InvalidParameter.RoleArn", False),
        (501, "NotImplemented", False),
        (503, "QpsLimitExceeded", True),
        (503, "SomethingNew", True),
        (429, "SomethingNew", True),
        (400, "SomethingNew", False),
    ],
)
def test_what_may_be_repeated(status: int, code: str, repeat: bool) -> None:
    assert may_repeat(status, code) == repeat
    error = from_answer(status, {}, f"<Error><Code>{code}</Code></Error>".encode())
    assert (error.retryable, isinstance(error, Busy)) == (repeat, repeat)


def test_the_flow_control_of_sts_is_repeated() -> None:
    error = from_sts(400, b'{"Code": "Throttling.User", "Message": "Request was denied due to user flow control."}')
    assert isinstance(error, Busy)
    told = from_storage(error)
    assert isinstance(told, StorageBusy)
    assert "STS" in told.oss["cure"]


def denied(kind: str) -> OssError:
    return from_answer(403, {}, DENIED % kind.encode(), "PutObject", "acs:oss:*:*:mybucket/film.mp4")


def test_a_refusal_by_a_policy_names_action_and_resource() -> None:
    missing, explicit = advice(denied("ImplicitDeny")), advice(denied("ExplicitDeny"))
    assert missing == (
        "The access key may not do oss:PutObject on acs:oss:*:*:mybucket/film.mp4. Allow it in its RAM policy."
    )
    assert explicit.startswith(
        "A policy (AccountLevelIdentityBasedPolicy) denies oss:PutObject on acs:oss:*:*:mybucket"
    )
    assert "AQIBIAAAACB1" not in str(denied("ImplicitDeny").fields)


def test_a_wrong_endpoint_names_the_right_one() -> None:
    error = from_answer(403, {}, ELSEWHERE)
    told = from_storage(error)
    assert isinstance(told, StorageRefused)
    assert told.oss["cure"] == (
        "The bucket is at oss-cn-shanghai.aliyuncs.com. "
        "Set OSS_ENDPOINT, OSS_INTERNAL_ENDPOINT and OSS_REGION to its region."
    )


def test_users_are_told_who_must_act_and_administrators_what_to_do() -> None:
    told = from_storage(Denied("No.", status=403, code="UserDisable", request_id="R", fields={"EC": "0003-00000801"}))
    assert told.detail == "OSS refused the request because of the site's account. An administrator must act."
    assert told.oss == {
        "code": "UserDisable",
        "request_id": "R",
        "ec": "0003-00000801",
        "cure": "The Alibaba Cloud account owes money. Pay the bill.",
        "link": "https://help.aliyun.com/en/oss/user-guide/0003-00000801",
    }
    assert str(told) == f"{told.detail} {told.oss['cure']}"


@pytest.mark.parametrize(
    "advised",
    ["http://api.aliyun.com/x", "https://aliyun.com.example.net/x", "javascript:alert(1)", "https://[x", ""],
)
def test_a_page_that_is_not_the_vendors_is_not_linked(advised: str) -> None:
    fields = {"RecommendDoc": advised, "EC": "0015-00000101"}
    error = Refused("No.", status=404, code="NoSuchBucket", fields=fields)
    assert error.link == "https://help.aliyun.com/en/oss/user-guide/0015-00000101"
