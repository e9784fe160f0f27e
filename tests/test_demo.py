"""manage.py demo, as seen from a terminal."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests import http
from tests.http import TIMEOUT
from tests.stack import ROOT, accepts, deliver, free_port, wait_until


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_in(tmp_path_factory.mktemp("demo"))


def environment_in(folder: Path) -> dict[str, str]:
    ports = {"PORT": str(free_port()), "OSS_PORT": str(free_port())}
    return clean_environment() | ports | {"VAR_DIR": str(folder / "var")}


def clean_environment() -> dict[str, str]:
    """Without what is ours, and without the order to Python to keep no output, which users do not give."""
    ours = ("OSS_", "DJANGO_", "UPLOADS_", "DATABASE_", "DEMO_", "FAULTS", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


MANAGE = ["manage.py", "demo"]
INSTALLED = ["-m", "django", "demo", "--settings=uploads.site.settings"]
"""As where there is no checkout: docs/operations.md, "From the wheel"."""


def start(environment: dict[str, str], command: Sequence[str] = MANAGE, folder: Path = ROOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def started() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=TIMEOUT)
        for stream in (process.stdout, process.stderr):
            assert stream
            stream.close()


@pytest.fixture
def demo(started: list[subprocess.Popen[str]], environment: dict[str, str]) -> subprocess.Popen[str]:
    """One for the tests until one of them ends it."""
    if not started or started[-1].poll() is not None:
        started.append(start(environment))
    process = started[-1]
    port = int(environment["PORT"])
    wait_until(lambda: process.poll() is not None or accepts(port), "the demo")
    return process


def test_a_fresh_clone_builds_the_page_with_what_the_demo_installs(tmp_path: Path) -> None:
    """`make demo` installs a part of the front end's packages: the page must be built by them alone."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if name == "Makefile" or name.startswith("frontend/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    # These tests may themselves be run by make, which names its level in the variables.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    page = "uploads/static/uploads/.built"
    (tmp_path / page).parent.mkdir(parents=True)
    subprocess.run(["make", f"PYTHON={sys.executable}", page], cwd=tmp_path, env=clean, check=True)
    assert (tmp_path / page).with_name("oss-uploads.js").stat().st_size > 10_000
    assert not (tmp_path / "frontend/node_modules/vitest").exists()


def processes_with(text: str) -> list[str]:
    """Command lines and environments on this machine that hold `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            seen = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in seen and path.name != str(os.getpid()):
            found.append(path.name)
    return found


def test_a_second_start_is_refused_in_one_line(demo: subprocess.Popen[str], environment: dict[str, str]) -> None:
    with start(environment) as second:
        _, error = second.communicate(timeout=TIMEOUT)
    assert second.returncode != 0
    assert error.strip().startswith("CommandError: The demo is already running")
    assert len(error.strip().splitlines()) == 1


def test_a_port_in_use_is_reported_in_one_line(demo: subprocess.Popen[str], environment: dict[str, str]) -> None:
    other = environment | {"VAR_DIR": environment["VAR_DIR"] + "2"}
    with start(other) as second:
        _, error = second.communicate(timeout=TIMEOUT)
    assert error.strip() == (
        f"CommandError: Port {environment['PORT']} is in use. Stop the program that uses it, or set PORT."
    )


def test_it_works_at_once_and_ctrl_c_leaves_no_process(
    demo: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    site = f"http://127.0.0.1:{environment['PORT']}"
    assert http.get(f"{site}/", follow_redirects=True).status_code == 200
    for name in ("demo", "admin"):
        login = {"username": name, "password": name}
        assert http.post(f"{site}/api/token/", json=login).status_code == 200
    login = {"username": "demo", "password": "demo"}
    token = http.post(f"{site}/api/token/", json=login).json()["token"]
    headers = {"Authorization": f"Token {token}"}
    assert http.get(f"{site}/metrics").status_code == 200
    body = {"destination": "default", "filename": "a.bin", "size": 3, "sign": 1}
    made = http.post(f"{site}/api/uploads/", json=body, headers=headers).json()
    (part,) = made["parts"]
    assert deliver(part, b"abc").status_code == 200
    preflight = {"Origin": site, "Access-Control-Request-Method": "PUT"}
    answer = http.options(part["url"], headers=preflight)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, site)
    for origin in ("http://localhost:5173", "http://127.0.0.1:4200"):  # Of development servers.
        answer = http.options(part["url"], headers={**preflight, "Origin": origin})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, origin)
    stranger = {**preflight, "Origin": "http://example.com:5173"}
    assert http.options(part["url"], headers=stranger).status_code == 403
    assert http.get(f"http://127.0.0.1:{environment['OSS_PORT']}/-/faults").status_code == 403

    assert demo.stdout
    out = ""
    while "Press Ctrl-C to stop." not in out:  # It accepts connections a moment before it says so.
        line = demo.stdout.readline()
        assert line, "it ended"
        out += line
    demo.send_signal(signal.SIGINT)
    rest, error = demo.communicate(timeout=TIMEOUT)
    out += rest
    assert demo.returncode == 0
    assert "WARNING" not in out + error
    said = (site, "/admin/", "/api/docs/", "demo / demo", "admin / admin", f"files in {environment['VAR_DIR']}/oss\n")
    assert [text for text in said if text not in out] == []
    assert not accepts(int(environment["PORT"]))
    assert not accepts(int(environment["OSS_PORT"]))
    wait_until(lambda: processes_with(environment["VAR_DIR"]) == [], "its processes to end")


def test_faults_are_switched_on_by_a_variable_and_an_empty_folder_suffices(tmp_path: Path) -> None:
    environment = environment_in(tmp_path) | {"FAULTS": "1", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path / "home")}
    del environment["VAR_DIR"]
    (folder := tmp_path / "empty").mkdir()
    with start(environment, INSTALLED, folder) as process:
        try:
            address = f"http://127.0.0.1:{environment['OSS_PORT']}/-/faults"
            assert process.stdout
            # It prints this once it answers; without it the output ends with the process.
            out = ""
            for line in process.stdout:
                out += line
                if address in line:
                    break
            assert f"curl -X DELETE {address}" in out, process.communicate(timeout=TIMEOUT)
            assert [rule["operation"] for rule in http.get(address).json()["rules"]].count("UploadPart") == 2
            http.delete(address).raise_for_status()
            assert http.get(address).json() == {"rules": []}
            assert [path.name for path in folder.iterdir()] == ["var"]
            assert not (tmp_path / "home").exists(), "the demo leaves nothing elsewhere"
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT)
