"""The accounts in the standalone site's admin: staff who manage them do not get to act as their users."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
USERS, TOKENS = "/admin/auth/user/", "/admin/authtoken/tokenproxy/"


def given_token() -> str:
    """The token of ann."""
    answer = APIClient().post("/api/token/", {"username": "ann", "password": "ann"}, format="json")
    return str(answer.json()["token"])


def status_with(token: str) -> int:
    return int(APIClient(headers={"Authorization": f"Token {token}"}).get("/api/uploads/").status_code)


@pytest.fixture
def staff(db: None) -> Client:
    """Somebody who may do everything with accounts and with tokens, but is no superuser."""
    sam = get_user_model().objects.create_user("sam", is_staff=True)
    sam.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["auth", "authtoken"]))
    client = Client()
    client.force_login(sam)
    return client


def test_no_page_of_the_admin_shows_a_token(staff: Client, user: Any) -> None:
    token = given_token()
    account = f"{USERS}{user.pk}/"
    pages = {path: staff.get(path) for path in (USERS, f"{account}change/", f"{account}history/", f"{account}delete/")}
    pages["action"] = staff.post(USERS, {"action": "delete_selected", "_selected_action": [user.pk]})
    assert {path: answer.status_code for path, answer in pages.items()} == dict.fromkeys(pages, 200)
    assert [path for path, answer in pages.items() if token in answer.content.decode()] == []
    for path in (f"{account}delete/", "action"):
        assert "<li>Token</li>" in pages[path].content.decode(), "it says that one is deleted too"
    for path in (TOKENS, f"{TOKENS}{user.pk}/change/", f"{TOKENS}add/"):
        assert staff.get(path).status_code == 404
    assert staff.post(f"{account}delete/", {"post": "yes"}).status_code == 302
    assert status_with(token) == 401


def test_no_lookup_finds_a_token(staff: Client, user: Any) -> None:
    token = given_token()
    for lookup in ("auth_token__key__startswith", "auth_token__startswith", "auth_token", "password__startswith"):
        assert staff.get(USERS, {lookup: token[:1]}).status_code == 400, lookup
    assert staff.get(USERS, {"is_staff__exact": "0", "q": "ann"}).status_code == 200


def test_a_token_is_ended_by_the_command(user: Any) -> None:
    """As docs/operations.md says."""
    token, printed = given_token(), StringIO()
    assert status_with(token) == 200
    call_command("drf_create_token", "--reset", "ann", stdout=printed)
    assert status_with(token) == 401
    another = Token.objects.get(user=user).key
    assert another in printed.getvalue()
    assert status_with(another) == 401, "it is not bound to the password"
    new = given_token()
    assert new not in (token, another)
    assert status_with(new) == 200
