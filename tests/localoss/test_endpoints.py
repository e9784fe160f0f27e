"""Which endpoint a host name is."""

import pytest

from uploads.localoss.addressing import endpoint_of, host_name
from uploads.localoss.config import Config
from uploads.localoss.endpoints import Endpoint, Kind

CONFIG = Config(cnames={"media.example.com": "demo-bucket"})
KINDS: dict[str, Kind] = {"localhost": "public", "oss.localhost": "internal", "127.0.0.1": "public"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", Endpoint("public", "cn-hangzhou", "", named=True)),
        ("b-1.oss-cn-beijing.aliyuncs.com:80", Endpoint("public", "cn-beijing", "b-1", named=True)),
        ("b.oss-cn-beijing-internal.aliyuncs.com", Endpoint("internal", "cn-beijing", "b", named=True)),
        ("oss-b.oss-us-west-1.aliyuncs.com", Endpoint("public", "us-west-1", "oss-b", named=True)),
        ("b.s3.oss-cn-beijing.aliyuncs.com", Endpoint("public", "cn-beijing", "b", named=True)),
        ("s3.oss-cn-beijing.aliyuncs.com", Endpoint("public", "cn-beijing", "", named=True)),
        ("b.cn-hangzhou.oss.aliyuncs.com", Endpoint("public", "cn-hangzhou", "b", named=True)),
        ("cn-hangzhou.oss.aliyuncs.com", Endpoint("public", "cn-hangzhou", "", named=True)),
        ("b.oss-accelerate.aliyuncs.com", Endpoint("accelerate", "cn-hangzhou", "b", named=True)),
        ("b.oss-accelerate-overseas.aliyuncs.com", Endpoint("accelerate", "cn-hangzhou", "b", named=True)),
        ("media.example.com", Endpoint("custom", "cn-hangzhou")),
        ("127.0.0.1:9000", Endpoint("public", "cn-hangzhou")),
        ("[::1]:9000", Endpoint("internal", "cn-hangzhou")),
        ("b.localhost", Endpoint("public", "cn-hangzhou", named=True)),
        ("b.oss.localhost", Endpoint("internal", "cn-hangzhou", named=True)),
        ("somewhere.else", Endpoint("internal", "cn-hangzhou")),
    ],
)
def test_a_host_name_is_an_endpoint(host: str, expected: Endpoint) -> None:
    assert endpoint_of(host, CONFIG, KINDS) == expected
    assert host_name(host) == host_name(host.upper())


def test_the_mainland_is_known() -> None:
    regions = ("cn-hangzhou", "cn-hongkong", "ap-southeast-1", "cn-wulanchabu", "us-west-1")
    assert [region for region in regions if Endpoint("public", region).mainland] == ["cn-hangzhou", "cn-wulanchabu"]
