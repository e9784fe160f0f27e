"""The real ali-oss with temporary credentials for a prefix, and what the sweep makes of its objects."""

from typing import Any

import pytest
from django.core.cache import cache

from tests.interop.support import drive
from uploads import services
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.services.sweep import sweep_prefixes

pytestmark = pytest.mark.django_db


def test_what_ali_oss_stores_becomes_uploads_or_is_removed(
    oss: OssClient, oss_server: LocalServer, user: Any, settings: Any
) -> None:
    cache.clear()
    destination = {
        "key": "ali-oss/{user_id}/{uuid}/{filename}",
        "credentials": "prefix",
        "max_size": 300_000,
        "content_types": ["image/*"],
        "client_options": ["tagging"],
    }
    sts = {"OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": oss_server.url}
    settings.UPLOADS = {**settings.UPLOADS, **sts, "DESTINATIONS": {"default": destination}}
    issued = services.issue_prefix_credentials(user, "default")
    given = issued.credentials
    seen = drive(
        oss_server,
        "ali-oss-prefix.mjs",
        prefix=issued.prefix,
        accessKeyId=given.access_key_id,
        accessKeySecret=given.access_key_secret,
        stsToken=given.security_token,
    )
    good = [f"{issued.prefix}day 1/ü.bin", f"{issued.prefix}tagged.png"]
    bad = [f"{issued.prefix}large.png", f"{issued.prefix}page.html"]
    assert seen["stored"] == [200] * 4
    assert sorted(seen["listed"]) == sorted(good + bad)
    assert (seen["listedV2"], seen["head"]) == (good[:1], "300000")
    assert [each["code"] for each in seen["denied"]] == ["AccessDenied"] * 7
    assert {each.key: each.what for each in sweep_prefixes()} == {
        **dict.fromkeys(good, "registered"),
        **dict.fromkeys(bad, "refused"),
    }
    assert [page.keys for page in oss.list_objects(issued.bucket, issued.prefix)] == [tuple(good)]
    assert Upload.objects.get(key=good[1]).options["tagging"] == {"album": "1"}
