"""A wrong setting is a system check error with its own id, and a hint that says what to set."""

import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from uploads.conf import DEFAULT_THROTTLES

SOUND = {
    "OSS_ENDPOINT": "https://oss-cn-hangzhou.aliyuncs.com",
    "OSS_REGION": "cn-hangzhou",
    "OSS_BUCKET": "b",
    "OSS_ACCESS_KEY_ID": "id",
    "OSS_ACCESS_KEY_SECRET": "secret",
}

NO_PAIR = {"OSS_ACCESS_KEY_ID": "", "OSS_ACCESS_KEY_SECRET": ""}


def found(settings: Any, **changes: Any) -> list[tuple[str, str]]:
    settings.UPLOADS = SOUND | changes
    messages = [message for message in run_checks(tags=["uploads"]) if str(message.id).startswith("uploads.")]
    assert all(message.hint for message in messages)
    return [(str(message.id), str(message.msg)) for message in messages]


def test_sound_settings_pass(settings: Any) -> None:
    assert found(settings) == []


@pytest.mark.parametrize("name", SOUND)
def test_a_missing_value_is_named(settings: Any, name: str) -> None:
    assert found(settings, **{name: ""}) == [("uploads.E002", f"{name} is not set.")]


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({"OSS_BUKET": "b"}, "uploads.W001"),
        ({"OSS_ADDRESSING": "vitual"}, "uploads.E003"),
        ({"OSS_ENDPOINT": "ftp://x"}, "uploads.E004"),
        ({"OSS_ENDPOINT": "https://x/bucket"}, "uploads.E004"),
        ({"OSS_ENDPOINT": "https://x:port"}, "uploads.E004"),
        ({"OSS_INTERNAL_ENDPOINT": "x y://"}, "uploads.E004"),
        ({"OSS_REGION": "oss-cn-hangzhou"}, "uploads.E005"),
        ({"UPLOADS_ORIGINS": ["https://a.example/"]}, "uploads.E006"),
        ({"DESTINATIONS": ["default"]}, "uploads.E007"),
        ({"DESTINATIONS": {"default": {"acll": "private"}}}, "uploads.E008"),
        ({"DESTINATIONS": {"default": {"key": "{filename}"}}}, "uploads.E009"),
        ({"DESTINATIONS": {"default": {"key": "{uuid}/{filename}"}}}, "uploads.W003"),
        ({"DESTINATIONS": {"default": {"key": "films{uuid}"}}}, "uploads.W003"),
        ({"DESTINATIONS": {"default": {"part_size": 1000}}}, "uploads.E010"),
        ({"DESTINATIONS": {"default": {"url_expires": 604801}}}, "uploads.E010"),
        ({"DESTINATIONS": {"default": {"upload_expires": "7d"}}}, "uploads.E010"),
        ({"DESTINATIONS": {"default": {"client_options": ["key"]}}}, "uploads.E011"),
        ({"DESTINATIONS": {"default": {"client_options": 5}}}, "uploads.E011"),
        ({"DESTINATIONS": {"default": {"content_types": "video/*"}}}, "uploads.E012"),
        ({"DESTINATIONS": {"default": {"content_types": 5}}}, "uploads.E012"),
        ({"DESTINATIONS": {"default": {"acl": "everybody"}}}, "uploads.E013"),
        ({"DESTINATIONS": {"default": {"callback": {"url": ""}}}}, "uploads.E014"),
        ({"DESTINATIONS": {"default": {"callback": {"url": "https://x.example/", "urls": 1}}}}, "uploads.E014"),
        ({"DESTINATIONS": {"default": {"permission": "add_film"}}}, "uploads.E015"),
        ({"DESTINATIONS": {"default": {"stage": True, "stage_prefix": "staging"}}}, "uploads.E040"),
        ({"DESTINATIONS": {"default": {"stage": True, "stage_prefix": "uploads/"}}}, "uploads.E041"),
        ({"DESTINATIONS": {"default": {"stage": True}, "b": {"key": "{uuid}/{filename}"}}}, "uploads.E041"),
        ({"DESTINATIONS": {"default": {"stage": True}, "b": {"credentials": "prefix"}}}, "uploads.E047"),
        ({"DESTINATIONS": {"default": {"inspector": "uploads.clamav.inspect"}}}, "uploads.E042"),
        ({"DESTINATIONS": {"default": {"stage": True, "inspector": "uploads.clamav.no"}}}, "uploads.E043"),
        ({"DESTINATIONS": {"default": {"stage": True, "callback": {"url": "https://x.example/"}}}}, "uploads.E044"),
        ({"DESTINATIONS": {"default": {"stage": True, "credentials": "prefix"}}}, "uploads.E045"),
        ({"ON_OWNER_DELETE": "cascade"}, "uploads.E058"),
        ({"DESTINATIONS": {"default": {"allow_delete": "yes"}}}, "uploads.E059"),
        ({"DESTINATIONS": {"default": {"retention_days": 7, "object_retention_days": 30}}}, "uploads.E060"),
        ({"DESTINATIONS": {"default": {"retention_days": 7}}}, "uploads.W058"),
        ({"DESTINATIONS": {"default": {"retention_days": 0}}}, "uploads.E010"),
        ({"DESTINATIONS": {"default": {"retention_days": True}}}, "uploads.E010"),
        ({"DESTINATIONS": {"default": {"object_retention_days": -1}}}, "uploads.E010"),
        ({"DESTINATIONS": {"default": {"object_retention_days": 1e6}}}, "uploads.E010"),
        ({"OSS_SESSION_EXPIRES": "tomorrow"}, "uploads.E016"),
        ({"OSS_SESSION_TOKEN": "CAIS"}, "uploads.W077"),
        ({"CREDENTIALS": "ecs", **NO_PAIR}, "uploads.E075"),
        ({"CREDENTIALS": {"type": "access_key", "access_key_id": "i"}, **NO_PAIR}, "uploads.E075"),
        ({"CREDENTIALS": "nowhere.credentials", **NO_PAIR}, "uploads.E075"),
        ({"CREDENTIALS": ["ecs_ram_role"], **NO_PAIR}, "uploads.E075"),
        ({"CREDENTIALS": "ecs_ram_role"}, "uploads.W075"),
        ({"DESTINATIONS": {"default": {"credentials": "all"}}}, "uploads.E030"),
        ({"DESTINATIONS": {"default": {"credentials": True}}}, "uploads.E030"),
        ({"DESTINATIONS": {"default": {"credentials": "prefix", "key": "{uuid}/{user_id}"}}}, "uploads.E031"),
        ({"DESTINATIONS": {"default": {"credentials": "upload", "max_size": 5}}}, "uploads.W030"),
        ({"DESTINATIONS": {"default": {"credentials": "prefix", "content_types": ["a/*"]}}}, "uploads.W030"),
        ({"DESTINATIONS": {"default": {"credentials": "prefix", "traffic_limit": 819_200}}}, "uploads.W031"),
        ({"OSS_STS_ROLE_ARN": "role/x"}, "uploads.E017"),
        ({"OSS_STS_ENDPOINT": "sts.example"}, "uploads.E018"),
        ({"OSS_CALLBACK_KEY_URLS": ["gosspublic.alicdn.com"]}, "uploads.E019"),
        ({"THROTTLES": {"create": "often"}}, "uploads.E022"),
        ({"THROTTLES": ["600/min"]}, "uploads.E023"),
        ({"UPLOADS_ORIGINS": 5}, "uploads.E023"),
        ({"OSS_CALLBACK_KEY_URLS": {"a": "b"}}, "uploads.E023"),
        ({"AUTHENTICATION_CLASSES": [5]}, "uploads.E023"),
        ({"AUTHENTICATION_CLASSES": ["rest_framework.authentication.NoSuch"]}, "uploads.E050"),
        ({"AUTHENTICATION_CLASSES": ["uploads.models.Upload"]}, "uploads.E050"),
    ],
)
def test_a_wrong_value_has_its_id(settings: Any, changes: dict[str, Any], id: str) -> None:
    assert id in [each for each, _ in found(settings, **changes)]


def test_a_user_does_not_write_where_files_are_published_that_were_checked(settings: Any) -> None:
    checked = {"stage": True, "key": "checked/{user_id}/{uuid}/{filename}"}
    for own, places, ids in (
        ({"key": checked["key"]}, {}, ["uploads.E047"]),
        ({"key": "checked/{user_id}/{date:%Y}/{uuid}"}, {}, ["uploads.E047"]),
        ({"key": "sent/{user_id}/{uuid}/{filename}"}, {}, []),
        ({"key": "sent/{user_id}/{uuid}/{filename}", "credentials": "upload"}, {}, []),
        ({"key": checked["key"], "bucket": "other"}, {"BUCKETS": {"other": {"bucket": "films-hz"}}}, []),
        ({"key": "{uuid"}, {}, ["uploads.E009"]),
    ):
        destinations = {"default": {"credentials": "prefix", **own}, "checked": checked}
        assert [each for each, _ in found(settings, DESTINATIONS=destinations, **places)] == ids


def test_what_users_store_below_their_own_prefix_belongs_to_one_destination(settings: Any) -> None:
    """The search for one destination would delete what the other allows."""
    films = {"credentials": "prefix", "content_types": ["video/*"]}
    for images, ids in (
        ({}, ["uploads.E048"]),
        ({"key": "uploads/{user_id}/images/{uuid}"}, ["uploads.E048"]),
        ({"key": "{tenant}/{user_id}/{uuid}", "key_values": {"tenant": str}}, ["uploads.E048", "uploads.W003"]),
        ({"key": "images/{user_id}/{uuid}"}, []),
        ({"key": "uploads/images/{user_id}/{uuid}"}, []),
        ({"bucket": "images-hz"}, []),
        ({"credentials": "upload"}, []),
        ({"credentials": ""}, []),
    ):
        destinations = {"images": {"credentials": "prefix", **images}, "films": films}
        told = [each for each, _ in found(settings, DESTINATIONS=destinations) if each != "uploads.W030"]
        assert sorted(told) == ids, images
    one_bucket = {"images": {"credentials": "prefix", "bucket": "again"}, "films": films}
    assert "uploads.E048" in dict(found(settings, DESTINATIONS=one_bucket, BUCKETS={"again": {"bucket": "b"}}))


def test_tokens_need_their_app(settings: Any) -> None:
    changes = {"AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]}
    assert found(settings, **changes) == []
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"]
    assert [id for id, _ in found(settings, **changes)] == ["uploads.E051"]


LOCAL = "django.core.cache.backends.locmem.LocMemCache"
SHARED = "django.core.cache.backends.redis.RedisCache"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("WEB_CONCURRENCY", "2"), ("GUNICORN_CMD_ARGS", "--workers 3"), ("GUNICORN_CMD_ARGS", "-w4")],
)
def test_several_processes_need_a_cache_that_they_share(
    settings: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings.CACHES = {"default": {"BACKEND": LOCAL}}
    assert "uploads.E032" in [each for each, _ in found(settings)]
    settings.CACHES = {"default": {"BACKEND": SHARED, "LOCATION": "redis://127.0.0.1:1"}}
    assert "uploads.E032" not in [each for each, _ in found(settings)]


@pytest.mark.parametrize("number", [None, 0, 1])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https")),
        ("USE_X_FORWARDED_HOST", True),
        ("USE_X_FORWARDED_PORT", True),
        ("SECURE_PROXY_SSL_HEADER", None),
    ],
)
def test_a_project_behind_a_proxy_must_say_how_many_it_has(
    settings: Any, name: str, value: object, number: int | None
) -> None:
    setattr(settings, name, value)
    settings.REST_FRAMEWORK = {"NUM_PROXIES": number}
    messages = found(settings)
    assert [id for id, _text in messages] == ["uploads.W095"] * (number is None and value is not None)
    assert all(name in text for _id, text in messages)


def test_proxies_do_not_matter_where_nothing_is_limited(settings: Any) -> None:
    settings.USE_X_FORWARDED_HOST, settings.REST_FRAMEWORK = True, {}
    assert found(settings, THROTTLES=dict.fromkeys(DEFAULT_THROTTLES, "")) == []


def test_a_redis_cache_needs_its_client(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this check the site starts, and its first request fails."""
    settings.CACHES = {"default": {"BACKEND": SHARED, "LOCATION": "redis://127.0.0.1:1"}}
    assert found(settings) == []
    monkeypatch.setitem(sys.modules, "redis", None)  # As where it is not installed.
    assert found(settings) == [("uploads.E046", "The cache is a Redis server, and the package redis is not installed.")]


def test_credentials_of_the_vendors_package_need_it(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    assert found(settings, **NO_PAIR, CREDENTIALS="ecs_ram_role") == []
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials", None)
    assert [each for each, _ in found(settings, **NO_PAIR, CREDENTIALS="ecs_ram_role")] == ["uploads.E076"]
    assert found(settings, **NO_PAIR, CREDENTIALS=lambda: None) == []


def test_metadata_must_not_go_through_a_proxy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    for kind in ("ecs_ram_role", "profile"):
        assert [each for each, _ in found(settings, **NO_PAIR, CREDENTIALS=kind)] == ["uploads.W076"]


def test_no_secret_is_quoted(settings: Any) -> None:
    for value in ('{"access_key_secret": "s3cr3t"', {"type": "sts", "access_key_secret": "s3cr3t", "x": "s3cr3t"}):
        ((id, text),) = found(settings, **NO_PAIR, CREDENTIALS=value)
        assert (id, "s3cr3t" in text) == ("uploads.E075", False)


@pytest.mark.parametrize(
    ("environment", "credentials"),
    [
        ({}, ""),
        ({"OSS_CREDENTIALS": "ecs_ram_role"}, "ecs_ram_role"),
        ({"OSS_CREDENTIALS": '{"type": "profile"}'}, {"type": "profile"}),
        ({"OSS_ACCESS_KEY_ID": "i", "ALIBABA_CLOUD_ECS_METADATA": "role"}, ""),
        ({"ALIBABA_CLOUD_ECS_METADATA": "role"}, "ecs_ram_role"),
        ({"ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/t", "ALIBABA_CLOUD_ECS_METADATA": "role"}, "oidc_role_arn"),
        ({"ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1/"}, "credentials_uri"),
        ({"ALIBABA_CLOUD_CREDENTIALS_FILE": "/c.ini"}, "profile"),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "i", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"},
            {"type": "access_key", "access_key_id": "i", "access_key_secret": "s"},
        ),
        (
            {
                "ALIBABA_CLOUD_ACCESS_KEY_ID": "i",
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
                "ALIBABA_CLOUD_SECURITY_TOKEN": "t",
            },
            {"type": "sts", "access_key_id": "i", "access_key_secret": "s", "security_token": "t"},
        ),
    ],
)
def test_the_site_reads_the_variables_of_alibaba_clouds_tools(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], credentials: object
) -> None:
    for name in list(os.environ):
        if name.startswith(("OSS_", "ALIBABA_CLOUD_")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    read = runpy.run_path("uploads/site/settings.py")
    assert (read["UPLOADS"]["CREDENTIALS"], read["ENVIRONMENT_ERRORS"]) == (credentials, {})


def test_one_process_may_have_a_cache_of_its_own(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHES = {"default": {"BACKEND": LOCAL}}
    for value in ("", "1", "many"):
        monkeypatch.setenv("WEB_CONCURRENCY", value)
        assert "uploads.E032" not in [each for each, _ in found(settings)]


@pytest.mark.parametrize(
    ("changes", "id"),
    [({"METRICS_PUBLIC": "no"}, "E023"), ({"METRICS_PUBLIC": True, "METRICS_TOKEN": "t0ken"}, "E066")],
)
def test_metrics_are_for_anybody_or_for_those_with_the_token(settings: Any, changes: dict[str, Any], id: str) -> None:
    assert [each for each, _ in found(settings, **changes)] == [f"uploads.{id}"]


def test_the_directory_of_metrics_must_exist(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "missing"))
    assert [each for each, _ in found(settings)] == ["uploads.E067"]
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert found(settings) == []


def test_metrics_of_several_processes_need_a_directory(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    settings.CACHES = {"default": {"BACKEND": SHARED, "LOCATION": "redis://127.0.0.1:1"}}
    assert found(settings) == []  # Nobody can read them.
    assert [each for each, _ in found(settings, METRICS_TOKEN="t0ken")] == ["uploads.W067"]
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert found(settings, METRICS_TOKEN="t0ken") == []


def test_metrics_that_nobody_can_read_are_reported_before_the_site_is_deployed(settings: Any) -> None:
    def reported() -> bool:
        return "uploads.W066" in [each.id for each in run_checks(tags=["uploads"], include_deployment_checks=True)]

    settings.UPLOADS = SOUND
    assert reported()
    settings.UPLOADS = SOUND | {"METRICS_PUBLIC": True}
    assert not reported()


def test_uploads_must_be_a_dict(settings: Any) -> None:
    settings.UPLOADS = "https://oss-cn-hangzhou.aliyuncs.com"
    assert [message.id for message in run_checks(tags=["uploads"])] == ["uploads.E001"]


def test_each_id_is_used_in_one_place() -> None:
    root = Path(__file__).parent.parent / "uploads"
    ids = [id for path in root.rglob("*.py") for id in re.findall(r'id="(uploads\.[EW]\d+)"', path.read_text())]
    assert len(ids) == len(set(ids))
