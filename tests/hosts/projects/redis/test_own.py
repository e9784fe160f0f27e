"""Limits count in Redis, where all processes see them."""

import json
import os

import pytest
import redis
from django.contrib.auth import get_user_model
from django.test import Client

pytestmark = pytest.mark.django_db


def test_limits_are_counted_in_redis(client: Client, settings: object) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"create": "2/min"}}  # type: ignore[attr-defined]
    server = redis.Redis.from_url(os.environ["REDIS_URL"])
    server.flushall()
    client.force_login(get_user_model().objects.create_user("ann"))
    body = json.dumps({"destination": "default", "filename": "a", "size": 1, "content_type": "a/b"})
    given = [client.post("/api/uploads/", body, content_type="application/json").status_code for _ in range(3)]
    assert given == [201, 201, 429]
    assert server.dbsize() > 0
