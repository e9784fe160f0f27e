"""Calls of AssumeRole, for tests."""

import secrets
from datetime import UTC, datetime

import httpx

from tests import http
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.oss import sts
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, parse_assume_role

ROLE = DEMO_ROLE.arn


def ask(server: LocalServer, request: AssumeRole, *, credentials: Credentials | None = None,
        now: datetime | None = None, nonce: str | None = None) -> httpx.Response:  # fmt: skip
    """The response to an AssumeRole request signed with ACS3-HMAC-SHA256."""
    query, headers = sts.sign_assume_role(
        credentials or Credentials(server.access_key_id, server.access_key_secret), request,
        f"127.0.0.1:{server.port}", now or datetime.now(UTC), nonce or secrets.token_hex(8),
    )  # fmt: skip
    return http.post(f"{server.url}/?{query}", headers=headers)


def issue(server: LocalServer, text: str = "", seconds: int = 900) -> Credentials:
    answer = ask(server, AssumeRole(ROLE, "user-7", seconds, text))
    assert answer.status_code == 200, answer.text
    return parse_assume_role(answer.content).credentials
