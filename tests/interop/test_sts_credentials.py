"""Temporary credentials of the local STS in the vendor's clients."""

from typing import Any

import alibabacloud_oss_v2 as v2
import oss2
import oss2.credentials
import pytest

from tests.interop.support import Place, drive, oss2_bucket, refused, v2_client
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.oss import policy

POLICY = policy.document([policy.allow(["oss:PutObject"], ["acs:oss:*:*:demo-bucket/issued/*"])])


def assume_role(server: LocalServer, *, v4: bool = True) -> dict[str, Any]:
    return drive(server, "ali-oss-sts.mjs", role=DEMO_ROLE.arn, policy=POLICY, session="user-7", v4=v4)


@pytest.fixture(scope="module")
def issued(oss_server: LocalServer) -> tuple[str, str, str]:
    credentials = assume_role(oss_server)["credentials"]
    return credentials["AccessKeyId"], credentials["AccessKeySecret"], credentials["SecurityToken"]


@pytest.fixture
def here(oss_server: LocalServer) -> Place:
    return Place(oss_server, oss_server.url, oss_server.bucket, f"{oss_server.url}/{oss_server.bucket}/")


@pytest.mark.parametrize("v4", [True, False], ids=["V4", "V1"])
def test_ali_oss_assumes_a_role_and_uploads(oss_server: LocalServer, v4: bool) -> None:
    seen = assume_role(oss_server, v4=v4)
    assert seen["wrong"] == {"code": "EntityNotExist.Role", "status": 404}
    assert seen["allowed"] == 200
    assert seen["refused"] == {"code": "AccessDenied", "status": 403}


@pytest.mark.parametrize("v4", [True, False], ids=["V4", "V1"])
def test_oss2_uploads_with_a_token(here: Place, issued: tuple[str, str, str], v4: bool) -> None:
    provider = oss2.credentials.StaticCredentialsProvider(*issued)
    bucket = oss2_bucket(here, oss2.ProviderAuthV4(provider) if v4 else oss2.ProviderAuth(provider))
    assert bucket.put_object("issued/b", b"x").status == 200
    url = bucket.sign_url("PUT", "issued/b", 60, slash_safe=True)
    assert bucket.put_object_with_url(url, b"x").status == 200
    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket.get_object("issued/b")
    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket.put_object("other/b", b"x")


def test_v2_uploads_with_a_token(here: Place, issued: tuple[str, str, str]) -> None:
    client = v2_client(here, provider=v2.credentials.StaticCredentialsProvider(*issued))
    assert client.put_object(v2.PutObjectRequest(bucket=here.bucket, key="issued/c", body=b"x")).status_code == 200
    error = refused(client.put_object, v2.PutObjectRequest(bucket=here.bucket, key="other/c", body=b"x"))
    assert (error.status_code, error.code, error.ec) == (403, "AccessDenied", "0003-00000301")
    forged = v2.credentials.StaticCredentialsProvider(issued[0], issued[1], issued[2][:-4])
    error = refused(
        v2_client(here, provider=forged).put_object, v2.PutObjectRequest(bucket=here.bucket, key="issued/c")
    )
    assert error.code == "InvalidSecurityToken"
