"""Every call of the project's own OSS client, against a real local OSS server."""

from collections.abc import Iterator

import pytest

from tests.stack import client_for
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.errors import NotFound


@pytest.fixture
def oss(oss_server: LocalServer) -> Iterator[OssClient]:
    client = client_for(oss_server)
    yield client
    client.close()


def test_every_call_for_real(oss: OssClient) -> None:
    bucket, key = "demo-bucket", "odd/视频 a+b%2F(1)'~.mp4"
    upload_id = oss.initiate(bucket, key, {"Content-Type": "video/mp4"})
    assert oss.list_parts(bucket, key, upload_id) == []
    oss.abort(bucket, key, upload_id)
    oss.abort(bucket, key, upload_id)
    put = oss.put_object(bucket, key, b"hello", {"Content-Type": "text/plain"})
    head = oss.head(bucket, key)
    assert (head.etag, head.crc64, head.size) == (put.etag, put.crc64, 5)
    oss.delete_object(bucket, key)
    with pytest.raises(NotFound):
        oss.head(bucket, key)
    rules = CorsConfiguration((CorsRule(("https://a.example",), ("PUT",), ("*",), ("ETag",), 60),))
    oss.put_cors(bucket, rules)
    assert oss.get_cors(bucket) == rules
