"""Keys with values of the site's own, such as a tenant: each user stays in the prefix of their tenant."""

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from uploads import services
from uploads.conf import settings as app_settings
from uploads.domain.errors import Forbidden, NotOffered, UploadError
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import Denied
from uploads.oss.signing import PartRequest
from uploads.services import UploadRequest

pytestmark = pytest.mark.django_db

KEY = "films/{tenant}/{user_id}/{uuid}/{filename}"
TENANTS = {"ann": "acme", "bob": "globex"}
asked: list[str] = []


def tenant_of(user: Any) -> str:
    """Named by its dotted path in the settings."""
    asked.append(user.username)
    return TENANTS[user.username]


@pytest.fixture(autouse=True)
def tenants(oss: OssClient, oss_server: LocalServer, settings: Any, place: Place) -> None:
    cache.clear()
    asked.clear()
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": oss_server.url}
    place(key=KEY, key_values={"tenant": f"{__name__}.tenant_of"}, credentials="prefix")


def request(name: str = "a.mp4") -> UploadRequest:
    return UploadRequest("default", name, 5, "video/mp4")


def test_each_user_uploads_below_the_tenants_prefix(user: Any, other_user: Any) -> None:
    for owner, tenant in ((user, "acme"), (other_user, "globex")):
        upload = services.begin(owner, request())
        assert upload.key == f"films/{tenant}/{owner.pk}/{upload.pk.hex}/a.mp4"


def test_the_function_is_called_once_for_a_batch(user: Any) -> None:
    begun = services.begin_many(user, [request(f"{number}.mp4") for number in range(20)])
    assert all(isinstance(upload, Upload) and upload.key.startswith("films/acme/") for upload in begun)
    assert asked == ["ann"]


@pytest.mark.parametrize("value", [None, "", "..", "acme/../globex", "acme/globex", "a" * 65, "acme*", "公司", True])
def test_without_a_sound_value_nothing_is_begun_and_nothing_issued(
    value: Any, user: Any, api: APIClient, place: Place
) -> None:
    place(key=KEY, key_values={"tenant": lambda user: value}, credentials="prefix")
    with pytest.raises(Forbidden, match="no valid tenant"):
        services.begin(user, request())
    (result,) = services.begin_many(user, [request()])
    assert isinstance(result, UploadError)
    asked = {"destination": "default", "filename": "a", "size": 5, "content_type": "video/mp4"}
    answer = api.post("/api/uploads/", asked, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    with pytest.raises(Forbidden):
        services.issue_prefix_credentials(user, "default")
    assert not Upload.objects.exists()


def test_a_function_that_fails_lets_nothing_through(user: Any, place: Place) -> None:
    place(key=KEY, key_values={"tenant": lambda user: TENANTS["nobody"]})
    with pytest.raises(KeyError):
        services.begin(user, request())
    assert not Upload.objects.exists()


def test_credentials_reach_the_users_own_prefix_and_no_other(user: Any, other_user: Any) -> None:
    issued = services.issue_prefix_credentials(user, "default")
    assert issued.prefix == f"films/acme/{user.pk}/"
    with OssClient(app_settings.endpoint, app_settings.region, issued.credentials) as browser:
        browser.put_object(issued.bucket, f"{issued.prefix}x.bin", b"x", {})
        for foreign in (f"films/acme/{other_user.pk}/x", f"films/globex/{user.pk}/x", f"films/acme/{user.pk}x/x"):
            with pytest.raises(Denied):
                browser.put_object(issued.bucket, foreign, b"x", {})
    assert services.register(user, "default", f"{issued.prefix}x.bin").owner == user


def test_uploads_share_the_credentials_of_the_prefix(user: Any, begin: Begin) -> None:
    prefix = services.issue_prefix_credentials(user, "default")
    assert services.issue_credentials(begin(20_000_000), user).credentials == prefix.credentials


def test_a_prefix_of_a_whole_tenant_is_issued_to_nobody(user: Any, place: Place) -> None:
    place(key="films/{tenant}/{uuid}/{filename}", key_values={"tenant": tenant_of}, credentials="prefix")
    with pytest.raises(NotOffered):
        services.issue_prefix_credentials(user, "default")


def test_an_upload_stays_where_it_began_when_its_user_changes_the_tenant(
    begin: Begin, user: Any, monkeypatch: Any
) -> None:
    before, held = begin(), services.issue_prefix_credentials(user, "default")
    monkeypatch.setitem(TENANTS, "ann", "globex")
    (part,) = services.sign_parts(before, [PartRequest(1)])
    assert f"/films/acme/{user.pk}/" in part.url
    assert begin().key.startswith(f"films/globex/{user.pk}/")
    assert services.issue_prefix_credentials(user, "default").prefix != held.prefix


def test_a_quota_counts_over_all_tenants(user: Any, place: Place, monkeypatch: Any) -> None:
    place(key=KEY, key_values={"tenant": tenant_of}, max_active_per_user=1)
    services.begin(user, request())
    monkeypatch.setitem(TENANTS, "ann", "globex")
    with pytest.raises(Forbidden, match="unfinished"):
        services.begin(user, request())
