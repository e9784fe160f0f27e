"""The settings of the standalone site and of gunicorn."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from uploads.site import gunicorn

AGE = "from django.conf import settings; print(settings.DATABASES['default']['CONN_MAX_AGE'])"


@pytest.mark.parametrize(
    ("program", "variables", "seconds"),
    [
        (AGE, {}, "60"),
        (AGE, {"DATABASE_CONN_MAX_AGE": "7"}, "7"),
        (f"import uploads.site.asgi; {AGE}", {}, "0"),
    ],
)
def test_database_connections_are_kept_as_documented(program: str, variables: dict[str, str], seconds: str) -> None:
    assert printed(program, variables) == seconds


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_a_full_collection_of_garbage_does_not_look_at_the_loaded_code(server: str) -> None:
    """It would stop every thread for a tenth of a second, and the requests that they handle with them."""
    program = f"import gc, uploads.site.{server}; from uploads.site import urls; gc.collect(); {LOOKED_AT}"
    assert float(printed(program, {})) < 0.1


LOOKED_AT = "looked_at = len(gc.get_objects()); print(looked_at / (looked_at + gc.get_freeze_count()))"


def printed(program: str, variables: dict[str, str]) -> str:
    """The last line that the program prints, with the settings of the site."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DATABASE_URL": "postgres://ann@127.0.0.1:1/uploads",
        "OSS_ENDPOINT": "https://oss-cn-hangzhou.aliyuncs.com",
        "OSS_REGION": "cn-hangzhou",
        "OSS_BUCKET": "a-bucket",
        "OSS_ACCESS_KEY_ID": "id",
        "OSS_ACCESS_KEY_SECRET": "secret",
        **variables,
    }
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip().splitlines()[-1]


def test_the_start_removes_old_counters_and_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ["counter_12.db", "histogram_7.db", "summary_7.db", "gauge_livesum_300.db"]
    others = ["my_site.db", "counter_12.db.bak", "db.sqlite3"]
    for name in (*old, *others):
        (tmp_path / name).touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    gunicorn.on_starting(None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
