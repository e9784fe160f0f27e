"""Where the vendor's Python SDKs are sent, and how they are made."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from uploads.localoss.testing import LocalServer


@dataclass(frozen=True)
class Place:
    """An endpoint, the way it is addressed, a bucket of the test's own, and what its URLs must begin with."""

    server: LocalServer
    endpoint: str
    bucket: str
    address: str
    cname: bool = False


def drive(server: LocalServer, script: str, **options: Any) -> dict[str, Any]:
    """What a script of ours saw: the vendor's JavaScript client, ali-oss, for real, in Node against the local OSS."""
    given = {
        "endpoint": server.url,
        "bucket": server.bucket,
        "region": f"oss-{server.region}",
        "accessKeyId": server.access_key_id,
        "accessKeySecret": server.access_key_secret,
        "v4": True,
        **options,
    }
    ended = subprocess.run(
        ["node", Path(__file__).with_name(script), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    return seen


def oss2_bucket(place: Place, auth: Any) -> oss2.Bucket:
    return oss2.Bucket(
        auth, place.endpoint, place.bucket, region=place.server.region, connect_timeout=20, is_cname=place.cname
    )


def v2_client(place: Place, secret: str | None = None, provider: Any = None) -> v2.Client:
    config = v2.config.load_default()
    config.credentials_provider = provider or v2.credentials.StaticCredentialsProvider(
        place.server.access_key_id, secret or place.server.access_key_secret
    )
    config.region, config.endpoint, config.use_cname = place.server.region, place.endpoint, place.cname
    return v2.Client(config)


def refused(call: Any, request: Any) -> v2.exceptions.ServiceError:
    """What OSS said no with."""
    with pytest.raises(v2.exceptions.OperationError) as caught:
        call(request)
    error = caught.value.unwrap()
    assert isinstance(error, v2.exceptions.ServiceError)
    assert len(error.request_id) == 24
    return error
