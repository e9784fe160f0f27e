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
    assert ended.stdout.strip().splitlines()[-1:] == [seconds], ended.stderr


def test_the_start_removes_old_counters_and_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ["counter_12.db", "histogram_7.db", "summary_7.db", "gauge_livesum_300.db"]
    others = ["my_site.db", "counter_12.db.bak", "db.sqlite3"]
    for name in (*old, *others):
        (tmp_path / name).touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    gunicorn.on_starting(None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
