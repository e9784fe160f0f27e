"""While Redis does not answer, requests that need it are answered with 503, which clients repeat."""

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from rest_framework.test import APIClient

from tests.stack import free_port

pytestmark = pytest.mark.django_db
LOGIN = {"username": "demo", "password": "demo"}


@pytest.fixture(autouse=True)
def nobody_listens() -> Iterator[None]:
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    with override_settings(CACHES={"default": cache}):
        yield


def test_the_api_asks_for_a_repetition() -> None:
    answer = APIClient().post("/api/token/", LOGIN, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_the_login_page_does_too() -> None:
    answer = Client(raise_request_exception=False).post("/accounts/login/", LOGIN)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert b"Nothing is lost" in answer.content
