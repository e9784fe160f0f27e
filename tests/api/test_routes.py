"""What a host project includes: all routes by `uploads.urls`, or the API alone by `uploads.api.urls`."""

from typing import Any

import pytest
from django.urls import include, path
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

urlpatterns = [
    path("all/", include("uploads.urls")),
    path("plain/", include("uploads.api.urls")),
]


@pytest.mark.parametrize(("prefix", "companion"), [("all", 200), ("plain", 404)])
def test_companions_routes_are_beside_the_api(api: APIClient, settings: Any, prefix: str, companion: int) -> None:
    settings.ROOT_URLCONF = __name__
    assert api.get(f"/{prefix}/uploads/").json()["results"] == []
    assert api.post(f"/{prefix}/uppy/", {}, format="json").status_code == companion
