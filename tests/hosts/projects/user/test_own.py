"""A user model with another key and another name field."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_admin_searches_uploads_by_the_users_own_name_field(client: Client) -> None:
    admin = get_user_model().objects.create_superuser("root@example.com", "x")
    client.force_login(admin)
    assert client.get("/admin/uploads/upload/", {"q": "root@example.com"}).status_code == 200
