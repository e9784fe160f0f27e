"""Bearer tokens of an issuer: whose are accepted, what they allow, and every forged one is refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import transaction
from rest_framework.test import APIClient

from tests.issuer import AUDIENCE, DISCOVERY, KEYS, TestIssuer, private_key, public_jwk
from tests.loopback import Received, Reply
from tests.openapi import schema
from uploads.conf import settings as own
from uploads.domain.errors import IssuerUnavailable
from uploads.domain.issuer import Identity
from uploads.models import ExternalIdentity, Upload
from uploads.oss.client import OssClient
from uploads.services import CalledInTransaction, bearer_tokens, issuer_keys

pytestmark = pytest.mark.django_db
FILE = {"destination": "default", "filename": "film.mp4", "size": 5, "content_type": "video/mp4"}
Configure = Callable[..., None]
HELD_SECONDS = 20
"""Longer than anything takes that does not wait for the issuer."""


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    with TestIssuer() as running:
        yield running


@pytest.fixture
def configure(issuer: TestIssuer, settings: Any) -> Configure:
    """Set the issuer, with other values if given."""

    def configure(**values: Any) -> None:
        settings.UPLOADS = {
            **settings.UPLOADS,
            "OIDC": {"issuer": issuer.url, "audience": AUDIENCE, **values},
            "AUTHENTICATION_CLASSES": [
                "uploads.web.bearer.BearerAuthentication",
                *settings.UPLOADS["AUTHENTICATION_CLASSES"],
            ],
        }
        settings.AUTHENTICATION_BACKENDS = [
            "django.contrib.auth.backends.ModelBackend",
            "uploads.web.token_permissions.TokenPermissions",
        ]

    configure()
    return configure


def ask(token: str, path: str = "/api/uploads/", client: APIClient | None = None) -> Any:
    return (client or APIClient()).get(path, headers={"Authorization": f"Bearer {token}"})


def refused(token: str) -> str:
    """The reason for which the token is refused."""
    answer = ask(token)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed"), answer.content
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="uploads", error="invalid_token"'
    assert not ExternalIdentity.objects.exists()
    detail: str = answer.json()["detail"]
    return detail


@pytest.mark.parametrize("key", ["first", "ec-1"])
def test_a_token_begins_an_upload_of_its_user_without_a_csrf_token(
    issuer: TestIssuer, configure: Configure, oss: OssClient, key: str
) -> None:
    issuer.keys.append(public_jwk("ec-1"))
    configure()
    client = APIClient(enforce_csrf_checks=True)
    header = {"Authorization": f"Bearer {issuer.token(key)}"}
    created = client.post("/api/uploads/", FILE, format="json", headers=header)
    assert created.status_code == 201, created.content
    upload = Upload.objects.get(pk=created.json()["id"])
    assert upload.owner is not None
    assert upload.owner.get_username() == "u-17@127.0.0.1"
    assert not upload.owner.has_usable_password()
    assert client.get(f"/api/uploads/{upload.pk}/", headers=header).status_code == 200
    other = ask(issuer.token(key, sub="u-18"), f"/api/uploads/{upload.pk}/")
    assert other.status_code == 404
    assert get_user_model().objects.count() == 2
    assert (issuer.asked(DISCOVERY), issuer.asked(KEYS)) == (1, 1)


def test_a_local_user_of_the_same_name_is_another_user(issuer: TestIssuer, configure: Configure) -> None:
    users = get_user_model().objects
    local = [users.create_superuser(name) for name in ("u-17", "u-17@127.0.0.1", issuer.url)]
    assert ask(issuer.token()).status_code == 200
    assert ask(issuer.token()).status_code == 200
    user = ExternalIdentity.objects.get(issuer=issuer.url, subject="u-17").user
    assert user not in local
    assert not user.is_superuser
    assert user.username.endswith("@127.0.0.1")
    assert users.count() == 4


def test_a_name_of_many_characters_and_signs_fits(issuer: TestIssuer, configure: Configure) -> None:
    configure(username_claim="name")
    for subject in ("auth0|" + "x" * 240, "other"):
        assert ask(issuer.token(sub=subject, name="Ann <b>" + "n" * 300)).status_code == 200
    names = {identity.user.username for identity in ExternalIdentity.objects.all()}
    assert len(names) == 2
    assert {len(name) for name in names} == {150}
    assert all(name.startswith("Ann__b_nnn") for name in names)


def test_a_user_who_was_deactivated_is_refused(issuer: TestIssuer, configure: Configure) -> None:
    assert ask(issuer.token()).status_code == 200
    get_user_model().objects.update(is_active=False)
    assert ask(issuer.token()).status_code == 401


def test_the_schema_names_the_scheme(configure: Configure) -> None:
    assert schema()["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"
    operation = schema()["paths"]["/api/uploads/"]["post"]
    assert {"bearerAuth": []} in operation["security"]
    assert "issuer_unavailable" in operation["responses"]["503"]["description"]


# Forged tokens


def test_a_token_of_another_audience_issuer_or_time_is_refused(issuer: TestIssuer, configure: Configure) -> None:
    now = int(time.time())
    reasons = {
        "aud": refused(issuer.token(aud="another")),
        "iss": refused(issuer.token(iss="https://evil.example")),
        "exp": refused(issuer.token(exp=now - 31)),
        "nbf": refused(issuer.token(nbf=now + 90)),
        "iat": refused(issuer.token(iat=now + 90)),
    }
    assert reasons == {
        "aud": "The token is for another audience.",
        "iss": "The token is of another issuer.",
        "exp": "The token has expired.",
        "nbf": "The token is not valid yet.",
        "iat": "The token is not valid yet.",
    }
    assert ask(issuer.token(exp=now - 5, nbf=now + 5)).status_code == 200, "within the leeway"


@pytest.mark.parametrize("name", ["exp", "iss", "aud", "sub"])
def test_a_token_without_a_claim_that_is_needed_is_refused(issuer: TestIssuer, configure: Configure, name: str) -> None:
    refused(issuer.token(**{name: None}))


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\0b", 17])
def test_a_subject_that_is_none_is_refused(issuer: TestIssuer, configure: Configure, subject: object) -> None:
    refused(issuer.token(sub=subject))


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes = b"") -> str:
    """A token that libraries refuse to make: unsigned, or HS256 with whatever secret."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    content = b".".join(parts)
    signature = hmac.digest(secret, content, hashlib.sha256) if secret else b""
    return (content + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_a_token_without_a_signature_is_refused(issuer: TestIssuer, configure: Configure) -> None:
    for algorithm in ("none", "None", "NONE", "nOnE", "", None, 7, ["RS256"]):
        refused(by_hand({"alg": algorithm, "kid": "first"}, issuer.claims()))


def test_the_public_key_is_no_secret_for_hmac(issuer: TestIssuer, configure: Configure) -> None:
    public = private_key("first").public_key()
    encodings = [
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    ]
    secrets = [public.public_bytes(*each) for each in encodings] + [public_jwk("first")["n"].encode()]
    for secret in secrets:
        refused(by_hand({"alg": "HS256", "kid": "first"}, issuer.claims(), secret))


def test_a_secret_among_the_keys_signs_nothing(issuer: TestIssuer, configure: Configure) -> None:
    encoded = base64.urlsafe_b64encode(b"s" * 32).rstrip(b"=").decode()
    issuer.keys.append({"kty": "oct", "kid": "secret", "k": encoded})
    refused(by_hand({"alg": "HS256", "kid": "secret"}, issuer.claims(), b"s" * 32))


def test_a_key_signs_by_its_own_algorithm_only(issuer: TestIssuer, configure: Configure) -> None:
    issuer.keys = [public_jwk("first", alg="RS512"), public_jwk("ec-1", use="enc"), public_jwk("short")]
    configure(algorithms=["RS256", "ES256"])
    refused(issuer.token("first"))
    refused(issuer.token("ec-1"))
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = issuer.token("short")
    refused(token)


def test_a_token_cannot_bring_its_key(issuer: TestIssuer, configure: Configure) -> None:
    """Nothing that the header names is fetched or used."""
    with TestIssuer() as evil:
        evil.keys = [public_jwk("evil")]
        urls = {"jku": evil.url + KEYS, "x5u": evil.url + KEYS}
        for more in (urls, {"jwk": public_jwk("evil")}, {"x5c": ["MIIB"]}, {"kid": evil.url + KEYS}):
            refused(issuer.token("evil", headers=more))
            refused(issuer.token("evil", headers={"kid": "first", **more}))
        assert evil.server.received == []


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "first' OR '1'='1", "http://127.0.0.1/", "x" * 256, "a\0b", "firsté", 7, ["first"], {}]
)
def test_a_key_id_only_chooses_among_the_published_keys(issuer: TestIssuer, configure: Configure, kid: object) -> None:
    header = {"alg": "RS256", "kid": kid}
    content = by_hand(header, issuer.claims()).rpartition(".")[0]
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        content.encode(), private_key("first")
    )
    refused(f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def test_an_extension_that_is_critical_is_refused(issuer: TestIssuer, configure: Configure) -> None:
    refused(issuer.token(headers={"crit": ["exp"], "exp": 1}))


def test_a_token_without_a_key_id_needs_one_key(issuer: TestIssuer, configure: Configure) -> None:
    assert ask(issuer.token(headers={"kid": None})).status_code == 200
    ExternalIdentity.objects.all().delete()
    issuer.keys.append(public_jwk("second"))
    configure()
    refused(issuer.token(headers={"kid": None}))


def test_a_changed_token_is_refused(issuer: TestIssuer, configure: Configure) -> None:
    header, _, signature = issuer.token().split(".")
    claims = base64.urlsafe_b64encode(json.dumps(issuer.claims(sub="admin")).encode()).rstrip(b"=").decode()
    refused(f"{header}.{claims}.{signature}")
    refused(f"{header}.{claims}.")
    refused(f"{issuer.token()}.more")
    refused("")
    refused("é" * 20)


def test_a_huge_token_is_refused_before_it_is_read(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwt, "get_unverified_header", None)
    assert refused(issuer.token(padding="x" * bearer_tokens.MAX_TOKEN_CHARACTERS)) == "The token is too large."


def test_a_token_in_the_url_is_refused(issuer: TestIssuer, configure: Configure) -> None:
    answer = APIClient().get(f"/api/uploads/?access_token={issuer.token()}")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert ask(issuer.token(), f"/api/uploads/?access_token={issuer.token()}").status_code == 400


def test_a_wrong_token_is_not_replaced_by_a_session(issuer: TestIssuer, configure: Configure, user: Any) -> None:
    client = APIClient()
    client.force_login(user)
    assert client.get("/api/uploads/").status_code == 200
    assert ask("wrong", client=client).status_code == 401


# Too many refused tokens


@pytest.fixture
def limited(configure: Configure, settings: Any) -> Iterator[None]:
    """Two refused tokens a minute."""
    cache.clear()
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"authentication": "2/min"}}
    yield
    cache.clear()


def statuses(*tokens: str, address: str = "192.0.2.1", scheme: str = "Bearer") -> list[int]:
    client = APIClient(REMOTE_ADDR=address)
    return [client.get("/api/uploads/", headers={"Authorization": f"{scheme} {each}"}).status_code for each in tokens]


def test_refused_tokens_are_limited_by_address_and_valid_ones_are_not(issuer: TestIssuer, limited: None) -> None:
    assert statuses("forged", issuer.token(aud="another"), "again") == [401, 401, 429]
    answer = APIClient(REMOTE_ADDR="192.0.2.1").get("/api/uploads/", headers={"Authorization": "Bearer forged"})
    assert answer.json()["code"] == "throttled"
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert statuses(issuer.token(), issuer.token(sub="u-18"), issuer.token()) == [200] * 3, "behind the same address"
    assert statuses("forged", address="192.0.2.2") == [401]


def test_refused_tokens_are_limited_whatever_address_they_name(limited: None, settings: Any) -> None:
    settings.REST_FRAMEWORK = {}
    client = APIClient(REMOTE_ADDR="192.0.2.1")
    named = [{"Authorization": "Bearer forged", "X-Forwarded-For": f"10.0.0.{n}"} for n in range(3)]
    assert [client.get("/api/uploads/", headers=each).status_code for each in named] == [401, 401, 429]


def test_tokens_of_the_site_are_limited_with_them(issuer: TestIssuer, limited: None, settings: Any) -> None:
    classes = [*settings.UPLOADS["AUTHENTICATION_CLASSES"], "uploads.web.tokens.PasswordBoundTokenAuthentication"]
    settings.UPLOADS = {**settings.UPLOADS, "AUTHENTICATION_CLASSES": classes}
    assert statuses("0" * 40, "1" * 40, "2" * 40, scheme="Token") == [401, 401, 429]
    assert statuses("forged") == [429]


def test_a_token_that_has_expired_counts_for_itself_alone(issuer: TestIssuer, limited: None) -> None:
    users = [issuer.token(sub=f"u-{number}", exp=int(time.time()) - 60) for number in range(5)]
    assert statuses(*users) == [401] * 5, "an office whose tokens expire renews them"
    assert statuses(*[users[0]] * 2) == [401, 429], "a page that does not renew is slowed"
    assert statuses(issuer.token(sub="u-0")) == [200]
    assert statuses("forged") == [401]


def test_tokens_that_cannot_be_examined_are_limited_with_them(issuer: TestIssuer, limited: None) -> None:
    """While the issuer is away, forged ones cannot be told from others."""
    issuer.replies[DISCOVERY] = Reply(500)
    assert statuses(*[issuer.token()] * 3) == [503, 503, 429]
    assert statuses("forged") == [429]
    assert statuses(issuer.token(), address="192.0.2.2") == [503]


def test_valid_tokens_pass_as_soon_as_the_issuer_is_back(
    issuer: TestIssuer, limited: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0)
    issuer.replies[DISCOVERY] = Reply(500)
    assert statuses(*[issuer.token()] * 3) == [503, 503, 429]
    issuer.replies.clear()
    assert statuses(issuer.token()) == [200]


def test_an_empty_rate_leaves_refused_tokens_unlimited(issuer: TestIssuer, limited: None, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"authentication": ""}}
    assert statuses(*["forged"] * 5) == [401] * 5


# Rights


def test_roles_give_rights_for_the_request_and_no_longer(
    issuer: TestIssuer, configure: Configure, other_user: Any, oss: OssClient
) -> None:
    roles = {
        "upload-support": {"staff": True, "permissions": ["uploads.view_upload"]},
        "upload-admin": {"staff": True, "permissions": ["uploads.abort_upload"]},
    }
    configure(roles_claim="realm_access.roles", roles=roles)
    other = APIClient()
    other.force_authenticate(other_user)
    path = f"/api/uploads/{other.post('/api/uploads/', FILE, format='json').json()['id']}/"
    support = {"realm_access": {"roles": ["upload-support", "superuser", 7]}}
    assert ask(issuer.token(**support), path).status_code == 200
    header = {"Authorization": f"Bearer {issuer.token(**support)}"}
    assert APIClient().delete(path, headers=header).status_code == 404
    assert ask(issuer.token(), path).status_code == 404
    assert ask(issuer.token(realm_access={"roles": ["is_superuser", "admin"]}), path).status_code == 404
    user = ExternalIdentity.objects.get(subject="u-17").user
    assert (user.is_staff, user.is_superuser, user.has_perm("uploads.view_upload")) == (False, False, False)


def test_a_claim_with_dots_in_its_name(issuer: TestIssuer, configure: Configure, begin: Any) -> None:
    name = "https://claims.example/roles"
    configure(roles_claim=name, roles={"all": {"staff": True, "permissions": ["uploads.view_upload"]}})
    path = f"/api/uploads/{begin().pk}/"
    assert ask(issuer.token(**{name: "one all"}), path).status_code == 200
    assert ask(issuer.token(**{name: "one"}), path).status_code == 404


@pytest.mark.parametrize("name", ["scope", "scp"])
def test_required_scopes(issuer: TestIssuer, configure: Configure, name: str) -> None:
    configure(scopes=["uploads:write"])
    for value in ("openid", None, {"uploads:write": True}):
        answer = ask(issuer.token(**{name: value}))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert ask(issuer.token(**{name: "openid uploads:write"})).status_code == 200
    assert ask(issuer.token(**{name: ["openid", "uploads:write"]})).status_code == 200


# Keys


def test_a_new_key_is_fetched_and_invented_ones_are_not_every_time(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 3600)
    assert ask(issuer.token()).status_code == 200
    issuer.keys = [public_jwk("second")]
    for number in range(5):
        assert ask(issuer.token("first", headers={"kid": f"invented-{number}"})).status_code == 401
    assert issuer.asked(KEYS) == 1, "the pause is not over"
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0)
    assert ask(issuer.token("second")).status_code == 200
    assert issuer.asked(KEYS) == 2
    assert ask(issuer.token("first")).status_code == 401, "the issuer has withdrawn it"


def test_an_issuer_that_is_away_is_503_until_it_answers(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 3600)
    issuer.replies[DISCOVERY] = Reply(500)
    answers = [ask(issuer.token()) for _ in range(3)]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(503, "issuer_unavailable")}
    assert {each.headers["Retry-After"] for each in answers} == {"3600"}
    assert issuer.asked(DISCOVERY) == 1
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0)
    issuer.replies.clear()
    assert ask(issuer.token()).status_code == 200
    issuer.replies[KEYS] = Reply(503)
    monkeypatch.setattr(issuer_keys, "FRESH_SECONDS", 0)
    assert ask(issuer.token()).status_code == 200, "its keys are known"
    monkeypatch.setattr(issuer_keys, "KEPT_SECONDS", 0)
    assert ask(issuer.token()).status_code == 503


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"{"),
        Reply(200, b"[]"),
        Reply(200, b'{"keys": 7}'),
        Reply(200, b"[" * 100_000),
        Reply(200, b" " * 300_000),
        Reply(302, b"", {"Location": "http://127.0.0.1:1/keys"}),
        Reply(404),
    ],
    ids=["cut", "list", "number", "deep", "large", "redirect", "missing"],
)
def test_keys_that_cannot_be_read(issuer: TestIssuer, configure: Configure, reply: Reply) -> None:
    issuer.replies[KEYS] = reply
    assert ask(issuer.token()).status_code == 503


def test_a_redirect_to_a_private_address_is_not_followed(issuer: TestIssuer, configure: Configure) -> None:
    with TestIssuer() as inside:
        for path in (KEYS, DISCOVERY):
            issuer.replies = {path: Reply(302, b"", {"Location": inside.url + KEYS})}
            configure()
            assert ask(issuer.token()).status_code == 503
        assert inside.server.received == []


def test_keys_at_a_private_address_that_only_the_issuer_names(issuer: TestIssuer, configure: Configure) -> None:
    with TestIssuer() as inside:
        issuer.document["jwks_uri"] = inside.url + KEYS
        assert ask(issuer.token()).status_code == 503
        assert inside.server.received == []
        configure(jwks_url=inside.url + KEYS)
        assert ask(issuer.token()).status_code == 200, "the settings name it"
        assert issuer.asked(DISCOVERY) == 1


def test_a_discovery_document_of_another_issuer(issuer: TestIssuer, configure: Configure) -> None:
    issuer.document["issuer"] = "https://login.example.com"
    assert ask(issuer.token()).status_code == 503


def test_keys_that_are_malformed_do_not_hide_the_others(issuer: TestIssuer, configure: Configure) -> None:
    broken = [7, {}, {"kty": "RSA", "kid": "x", "n": "!", "e": "AQAB"}, {"kty": "EC", "kid": "y", "crv": "P-9"}]
    issuer.keys = [*broken, public_jwk("first")]  # type: ignore[list-item]
    assert ask(issuer.token()).status_code == 200
    assert ask(issuer.token("first", headers={"kid": "x"})).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_keys_are_not_fetched_inside_a_transaction(issuer: TestIssuer, configure: Configure, settings: Any) -> None:
    assert own.oidc is not None
    with transaction.atomic(), pytest.raises(CalledInTransaction):
        bearer_tokens.identity_of(issuer.token(), own.oidc)
    assert issuer.server.received == []
    assert bearer_tokens.identity_of(issuer.token(), own.oidc).subject == "u-17"


@contextmanager
def fetching(issuer: TestIssuer, token: str) -> Iterator[Future[Identity]]:
    """A thread that examines this token fetches the keys. The issuer answers at the end."""
    asked, released, reply = Event(), Event(), issuer.server.reply

    def held(request: Received) -> Reply:
        asked.set()
        released.wait(HELD_SECONDS)
        return reply(request)

    issuer.server.reply = held
    assert own.oidc is not None
    with ThreadPoolExecutor(1) as pool:
        try:
            first = pool.submit(bearer_tokens.identity_of, token, own.oidc)
            assert asked.wait(HELD_SECONDS)
            yield first
        finally:
            released.set()
            issuer.server.reply = reply


def test_nobody_waits_while_another_request_fetches_the_keys(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(issuer.token()).status_code == 200
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(issuer_keys, "FIRST_SECONDS", HELD_SECONDS)
    issuer.keys = [public_jwk("second")]
    with fetching(issuer, issuer.token("second")) as first:
        answers = [ask(issuer.token("first", headers={"kid": f"invented-{number}"})) for number in range(3)]
        answers.append(ask(issuer.token("second")))
        assert not first.done()
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(503, "issuer_unavailable")}
    assert {each.headers["Retry-After"] for each in answers} == {str(issuer_keys.BUSY_SECONDS)}
    assert first.result().subject == "u-17"
    assert (issuer.asked(DISCOVERY), issuer.asked(KEYS)) == (2, 2)
    assert ask(issuer.token("second")).status_code == 200


def test_the_first_requests_of_a_process_wait_for_its_first_keys(issuer: TestIssuer, configure: Configure) -> None:
    """Users notice nothing of a new process."""
    assert own.oidc is not None
    with ThreadPoolExecutor(4) as pool:
        with fetching(issuer, issuer.token()) as first:
            others = [pool.submit(bearer_tokens.identity_of, issuer.token(), own.oidc) for _ in range(4)]
            assert not wait([first, *others], 0.2).done
        assert [each.result().subject for each in (first, *others)] == ["u-17"] * 5
    assert (issuer.asked(DISCOVERY), issuer.asked(KEYS)) == (1, 1)


def test_they_do_not_wait_for_long(issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "FIRST_SECONDS", 0.01)
    with fetching(issuer, issuer.token()) as first:
        assert ask(issuer.token()).status_code == 503
        assert not first.done()
    assert ask(issuer.token()).status_code == 200


def test_nobody_waits_again_where_the_first_attempt_has_failed(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.replies[DISCOVERY] = Reply(500)
    assert ask(issuer.token()).status_code == 503
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(issuer_keys, "FIRST_SECONDS", HELD_SECONDS)
    with fetching(issuer, issuer.token()) as first:
        assert ask(issuer.token()).status_code == 503
        assert not first.done()
    assert isinstance(first.exception(), IssuerUnavailable)


def test_known_keys_are_used_while_they_are_fetched_again(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(issuer.token()).status_code == 200
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0)
    with fetching(issuer, issuer.token("first", headers={"kid": "invented"})) as first:
        assert ask(issuer.token()).status_code == 200
        monkeypatch.setattr(issuer_keys, "FRESH_SECONDS", 0)
        assert ask(issuer.token()).status_code == 200
        assert ask(issuer.token("first", headers={"kid": "another"})).status_code == 503
        assert not first.done()
    assert isinstance(first.exception(), bearer_tokens.TokenRefused)


def test_the_pause_begins_when_an_attempt_has_ended(
    issuer: TestIssuer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an issuer that hangs for longer than the pause would always have a thread that waits for it."""
    now = time.monotonic()
    monkeypatch.setattr(issuer_keys, "time", SimpleNamespace(monotonic=lambda: now))
    reply = issuer.server.reply

    def late(request: Received) -> Reply:
        nonlocal now
        now += issuer_keys.PAUSE_SECONDS
        return reply(request)

    issuer.server.reply, issuer.replies[DISCOVERY] = late, Reply(500)
    assert [ask(issuer.token()).status_code for _ in range(3)] == [503] * 3
    assert issuer.asked(DISCOVERY) == 1
    now += issuer_keys.PAUSE_SECONDS
    assert ask(issuer.token()).status_code == 503
    assert issuer.asked(DISCOVERY) == 2


# Settings


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"algorithms": ["none"]}, ["uploads.E110"]),
        ({"algorithms": ["HS256"]}, ["uploads.E110"]),
        ({"audience": ""}, ["uploads.E110"]),
        ({"issuer": "login.example.com"}, ["uploads.E110"]),
        ({"issuer": "https://ann:pw@login.example.com"}, ["uploads.E110"]),
        ({"leeway": 3600}, ["uploads.E110"]),
        ({"roles": {"a": {"staff": "yes"}}, "roles_claim": "x"}, ["uploads.E110"]),
        ({"roles": {"a": {}}}, ["uploads.E110"]),
        ({"colour": "red"}, ["uploads.E110"]),
        ({"issuer": "http://login.example.com"}, ["uploads.W110"]),
    ],
)
def test_wrong_settings_are_reported(configure: Configure, values: dict[str, Any], found: list[str]) -> None:
    configure(**values)
    assert [m.id for m in run_checks(tags=["uploads"]) if m.id and "11" in m.id] == found


def test_permissions_without_their_backend_are_reported(configure: Configure, settings: Any) -> None:
    configure(roles_claim="roles", roles={"a": {"permissions": ["uploads.view_upload"]}})
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert "uploads.W112" in [message.id for message in run_checks(tags=["uploads"])]
