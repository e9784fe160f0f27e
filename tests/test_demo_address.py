"""The demo under other addresses than 127.0.0.1, as a phone, a container or a forwarded port opens it."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import http
from tests.http import TIMEOUT
from tests.stack import accepts, free_port, wait_until
from tests.test_demo import clean_environment, start
from uploads.site.demo import DemoError, DemoSettings
from uploads.site.demo_address import oss_address

PROXIED = {"X-Forwarded-Host": "demo.example.test", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("http", "127.0.0.1:8000", "http://127.0.0.1:9000"),
        ("http", "192.168.1.5:8000", "http://192.168.1.5:9000"),
        ("https", "box.local", "https://box.local:9000"),
        ("https", "name-8000.app.example.dev", "https://name-9000.app.example.dev"),
        ("https", "8000-name.example.dev", "https://9000-name.example.dev"),
        ("https", "name18000.example.dev", "https://name18000.example.dev:9000"),
    ],
)
def test_the_local_oss_is_under_the_address_of_the_page(scheme: str, host: str, expected: str) -> None:
    assert oss_address(DemoSettings(8000, 9000, Path("var")), scheme, host) == expected


def test_its_address_can_be_given() -> None:
    demo = DemoSettings.from_environment({"DEMO_OSS_URL": "https://oss.example.dev/"})
    assert oss_address(demo, "https", "x.example.dev") == "https://oss.example.dev"


@pytest.mark.parametrize(
    "variables", [{"DEMO_HOST": "http://x"}, {"DEMO_OSS_URL": "oss.example.dev"}, {"PORT": "x"}, {"FAULTS": "yes"}]
)
def test_a_malformed_variable_is_named_in_one_line(variables: dict[str, str]) -> None:
    with pytest.raises(DemoError) as raised:
        DemoSettings.from_environment(variables)
    assert next(iter(variables)) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_nobody_else_reaches_it_unless_asked_to() -> None:
    demo = DemoSettings.from_environment({})
    assert (demo.bind, demo.allowed_hosts) == ("127.0.0.1", "localhost,127.0.0.1")
    assert all("*" not in origin for origin in demo.origins)


def running(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    process = start(environment)
    wait_until(lambda: process.poll() is not None or accepts(int(environment["PORT"])), "the demo")
    assert process.poll() is None
    yield environment
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT)


def environment(directory: Path, host: str) -> dict[str, str]:
    given = {"PORT": str(free_port()), "OSS_PORT": str(free_port()), "VAR_DIR": str(directory), "DEMO_HOST": host}
    return clean_environment() | given


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    yield from running(environment(tmp_path_factory.mktemp("anywhere"), "0.0.0.0"))


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    yield from running(environment(tmp_path_factory.mktemp("named"), "demo.localhost"))


def log_in(site: httpx.Client, origin: str) -> None:
    """As a browser: with the token of the form, and the page's origin."""
    page = site.get("/accounts/login/")
    assert page.status_code == 200, page.text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    body = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": token[1]}
    answer = site.post("/accounts/login/", data=body, headers={"Origin": origin, "Referer": f"{origin}/"})
    assert answer.status_code == 302, answer.text


def begin(site: httpx.Client, origin: str) -> Any:
    body = {"destination": "default", "filename": "a.bin", "size": 30_000_000, "content_type": "a/b", "sign": 1}
    headers = {"Origin": origin, "Referer": f"{origin}/", "X-CSRFToken": site.cookies["csrftoken"]}
    answer = site.post("/api/uploads/", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return answer.json()


def allows(part: Any, origin: str, **options: Any) -> bool:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT", **options.pop("headers", {})}
    return http.options(part["url"], headers=headers, **options).status_code == 200


def test_another_address_of_the_machine_serves_the_whole_of_it(anywhere: dict[str, str]) -> None:
    origin, oss = f"http://127.0.0.2:{anywhere['PORT']}", f"http://127.0.0.2:{anywhere['OSS_PORT']}"
    with http.Client(base_url=origin) as site:
        log_in(site, origin)
        policy = site.get("/").headers["Content-Security-Policy"]
        assert oss in policy
        assert "127.0.0.1" not in policy
        made = begin(site, origin)
        (part,) = made["parts"]
        assert part["url"].startswith(f"{oss}/")
        assert allows(part, origin)
        content = bytes(made["part_size"])
        sent = http.put(part["url"], content=content, headers={**part["headers"], "Origin": origin})
        assert sent.status_code == 200, sent.text
        assert sent.headers["Access-Control-Allow-Origin"] == origin


def test_behind_a_proxy_with_tls_it_is_under_the_proxys_address(anywhere: dict[str, str]) -> None:
    """The proxy says so in X-Forwarded-Host and X-Forwarded-Proto, and passes what it got for the local OSS on."""
    origin = "https://demo.example.test"
    with http.Client(base_url=f"http://127.0.0.1:{anywhere['PORT']}", headers=PROXIED) as site:
        log_in(site, origin)
        made = begin(site, origin)
        (part,) = made["parts"]
        public = f"https://demo.example.test:{anywhere['OSS_PORT']}"
        assert part["url"].startswith(f"{public}/")
        behind = {**part, "url": part["url"].replace(public, f"http://127.0.0.1:{anywhere['OSS_PORT']}")}
        host = {"Host": public.removeprefix("https://")}
        assert allows(behind, origin, headers=host)
        sent = http.put(
            behind["url"], content=bytes(made["part_size"]), headers={**part["headers"], **host}, timeout=TIMEOUT
        )
        assert sent.status_code == 200, sent.text


def test_a_name_serves_it_and_no_other_name_does(named: dict[str, str]) -> None:
    """`demo.localhost` is of this machine; the test sends it to 127.0.0.1 itself."""
    host, port, oss_port = "demo.localhost", named["PORT"], named["OSS_PORT"]
    origin = f"http://{host}:{port}"
    base = f"http://127.0.0.1:{port}"
    assert http.get(base, headers={"Host": f"evil.example:{port}"}).status_code == 400
    with http.Client(base_url=base, headers={"Host": f"{host}:{port}"}) as site:
        log_in(site, origin)
        made = begin(site, origin)
        (part,) = made["parts"]
        assert part["url"].startswith(f"http://{host}:{oss_port}/")
        behind = {**part, "url": part["url"].replace(host, "127.0.0.1")}
        assert allows(behind, origin, headers={"Host": f"{host}:{oss_port}"})
        assert not allows(behind, "http://evil.example", headers={"Host": f"{host}:{oss_port}"})
