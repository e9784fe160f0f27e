"""The vendor's Python SDKs against a real local OSS, in each of the three ways to address a bucket."""

import secrets
from collections.abc import Iterator

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from tests.interop.support import Place, oss2_bucket, v2_client
from tests.resolver import resolve_localhost
from uploads.localoss.testing import LocalServer


@pytest.fixture(scope="session")
def named_server() -> Iterator[LocalServer]:
    """One that also serves buckets as `bucket.oss.localhost`, and one of them under a host of its own."""
    arguments = ["--base-domain", "oss.localhost", "--cname", "media.localhost=demo-bucket"]
    with LocalServer(arguments=arguments) as server:
        yield server


@pytest.fixture(params=["path", "virtual", "cname"])
def place(
    request: pytest.FixtureRequest, oss_server: LocalServer, named_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> Place:
    bucket = f"sdk-{secrets.token_hex(6)}"
    if request.param == "path":
        return Place(oss_server, oss_server.url, bucket, f"{oss_server.url}/{bucket}/")
    resolve_localhost(monkeypatch)
    if request.param == "virtual":
        host = f"oss.localhost:{named_server.port}"
        return Place(named_server, f"http://{host}", bucket, f"http://{bucket}.{host}/")
    # A server maps hosts to buckets at its start, so here the bucket is one for all, and emptied.
    url = f"http://media.localhost:{named_server.port}"
    place = Place(named_server, url, "demo-bucket", f"{url}/", cname=True)
    empty(oss2_bucket(place, oss2.AuthV4(named_server.access_key_id, named_server.access_key_secret)))
    return place


def empty(bucket: oss2.Bucket) -> None:
    for stored in oss2.ObjectIterator(bucket):
        bucket.delete_object(stored.key)
    for upload in oss2.MultipartUploadIterator(bucket):
        bucket.abort_multipart_upload(upload.key, upload.upload_id)
    bucket.delete_bucket_cors()
    bucket.delete_bucket_lifecycle()


@pytest.fixture
def old(place: Place) -> oss2.Bucket:
    """oss2."""
    bucket = oss2_bucket(place, oss2.AuthV4(place.server.access_key_id, place.server.access_key_secret))
    bucket.create_bucket()
    return bucket


@pytest.fixture
def new(place: Place) -> v2.Client:
    """alibabacloud-oss-v2."""
    client = v2_client(place)
    client.put_bucket(v2.PutBucketRequest(bucket=place.bucket))
    return client
