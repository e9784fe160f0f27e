"""What a host project includes: all routes by `uploads.urls`, or the API alone by `uploads.api.urls`.

The names of the URLs are in the namespace `uploads`, under whatever prefix and instance namespace they are included.
"""

import sys
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, URLResolver, get_resolver, include, path, reverse
from rest_framework.test import APIClient

from uploads.forms import UploadWidget

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a project of these routes alone."""

    def host(*patterns: URLResolver) -> None:
        module = ModuleType("routes_of_a_host")
        module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return host


@pytest.mark.parametrize(("module", "companion"), [("uploads.urls", 200), ("uploads.api.urls", 404)])
def test_companions_routes_are_beside_the_api(api: APIClient, host: Any, module: str, companion: int) -> None:
    host(path("all/", include(module)))
    assert api.get("/all/uploads/").json()["results"] == []
    assert api.post("/all/uppy/", {}, format="json").status_code == companion


def test_no_name_is_outside_of_the_namespace() -> None:
    """The names that a project could have itself: upload-list, credentials, uppy …"""
    (ours,) = (entry for entry in get_resolver().url_patterns if getattr(entry, "app_name", None) == "uploads")
    assert isinstance(ours, URLResolver)
    names = {entry.name for entry in ours.url_patterns if getattr(entry, "name", None)}
    names |= {"upload-list", "upload-detail"}
    assert len(names) >= 6
    for name in names:
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_the_app_asks_for_the_namespace_alone(api: APIClient, host: Any) -> None:
    """A project that has views of the same names: its own stay its own, and the app finds its own."""
    host(
        *(path(f"host/{name}/", lambda _: None, name=name) for name in ("upload-list", "uppy", "schema")),
        path("files/", include("uploads.urls")),
    )
    assert reverse("upload-list") == "/host/upload-list/"
    assert UploadWidget().get_context("file", None, {})["widget"]["api"] == "/files/"
    assert companion_url(api, "/files/") == "http://testserver/files/uppy/"


@pytest.mark.parametrize("module", ["uploads.urls", "uploads.api.urls"])
def test_another_instance_namespace_is_found(host: Any, module: str) -> None:
    host(path("storage/v2/", include((module, "uploads"), namespace="files")))
    assert reverse("files:upload-list") == reverse("uploads:upload-list") == "/storage/v2/uploads/"
    assert UploadWidget().get_context("file", None, {})["widget"]["api"] == "/storage/v2/"


def test_a_namespace_around_the_apps_is_named_in_the_settings(api: APIClient, host: Any, settings: Any) -> None:
    host(path("v1/", include(([path("files/", include("uploads.urls"))], "v1"))))
    with pytest.raises(ImproperlyConfigured, match="URL_NAMESPACE"):
        UploadWidget().get_context("file", None, {})
    settings.UPLOADS = {**settings.UPLOADS, "URL_NAMESPACE": "v1:uploads"}
    assert UploadWidget().get_context("file", None, {})["widget"]["api"] == "/v1/files/"
    assert companion_url(api, "/v1/files/") == "http://testserver/v1/files/uppy/"


def test_two_inclusions_each_answer_for_themselves(api: APIClient, host: Any) -> None:
    host(
        path("public/", include("uploads.urls")),
        path("internal/", include("uploads.urls", namespace="internal")),
    )
    assert companion_url(api, "/public/") == "http://testserver/public/uppy/"
    assert companion_url(api, "/internal/") == "http://testserver/internal/uppy/"
    assert UploadWidget().get_context("file", None, {})["widget"]["api"] == "/public/"


def companion_url(api: APIClient, prefix: str) -> str:
    """The Companion URL that is issued under a prefix, without its capability."""
    answer = api.post(f"{prefix}uppy/", {"destination": "default"}, format="json")
    assert answer.status_code == 200, answer.content
    url: str = answer.json()["companion_url"]
    assert api.get(f"{url.removeprefix('http://testserver')}nothing").status_code == 404
    return url.removesuffix("/").rpartition("/")[0] + "/"
