"""The recipe for work after an upload, as docs/django.md shows it: with Django's tasks, and with Celery.

A project is made of the files in the documentation. One process uploads, a worker of its own does the work.
"""

import hashlib
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import django
import pytest

from tests.http import TIMEOUT
from tests.stack import ROOT, wait_until
from uploads.localoss.testing import LocalServer

CONTENT = b"hello, world"
SECTION = (ROOT / "docs/django.md").read_text().partition("## Work after an upload\n")[2].partition("\n## ")[0]
SETTINGS = """
import os
from uploads.site.settings import *
ROOT_URLCONF = "uploads.urls"
MIGRATION_MODULES = {"films": None}
"""
CELERY_SETTINGS = """
INSTALLED_APPS += ["films"]
CELERY_BROKER_URL = "filesystem://"
CELERY_BROKER_TRANSPORT_OPTIONS = dict.fromkeys(("data_folder_in", "data_folder_out"), os.environ["BROKER"])
"""
CELERY_APP = """
from celery import Celery
app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
UPLOAD = f"""
from django.contrib.auth import get_user_model
from tests.stack import deliver
from uploads import services
from uploads.services.signing import PartRequest
user = get_user_model().objects.create_user("ann")
request = services.UploadRequest("default", "hello.txt", {len(CONTENT)}, content_type="text/plain")
upload = services.begin(user, request)
deliver(services.sign_parts(upload, [PartRequest(1)])[0], {CONTENT!r})
assert services.complete(upload).state == "completed"
"""
ENQUEUE_MISSING = """
from django_tasks_db.models import DBTaskResult
from films.tasks import enqueue_missing
assert DBTaskResult.objects.count() == 1
enqueue_missing()
assert DBTaskResult.objects.count() == 2
"""


def block(name: str, language: str = "python") -> str:
    """The block of the documentation whose first line names this file."""
    (found,) = [
        text for text in re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL) if text.startswith(f"# {name}")
    ]
    return str(found)


def changed(text: str, diff: str) -> str:
    """`text` with each run of lines with a minus replaced by the lines with a plus that follow."""
    for before, after in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", diff, re.MULTILINE):
        old, new = (re.sub(r"^.", "", lines, flags=re.MULTILINE) for lines in (before, after))
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


class Project:
    """A Django project with the app `films`, in a directory of its own."""

    def __init__(self, directory: Path, server: LocalServer) -> None:
        self.directory = directory
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
        self.environment = kept | {
            "PYTHONPATH": f"{directory}:{ROOT}",
            "PYTHONWARNINGS": "error::RuntimeWarning",
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
            "OSS_ENDPOINT": server.url,
            "OSS_ADDRESSING": "path",
            "OSS_REGION": server.region,
            "OSS_BUCKET": server.bucket,
            "OSS_ACCESS_KEY_ID": server.access_key_id,
            "OSS_ACCESS_KEY_SECRET": server.access_key_secret,
            "BROKER": str(directory / "broker"),
        }
        (directory / "broker").mkdir()
        self.write("films/__init__.py", "")
        self.write("films/models.py", block("films/models.py"))
        self.write("films/apps.py", block("films/apps.py"))

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", *arguments]
        return subprocess.Popen(command, cwd=self.directory, env=self.environment, start_new_session=True)

    def manage(self, *arguments: str) -> None:
        assert self.start("django", *arguments).wait(TIMEOUT) == 0

    def shell(self, code: str) -> None:
        self.manage("shell", "-v", "0", "-c", code)

    def checksums(self) -> list[str]:
        with closing(sqlite3.connect(self.directory / "db.sqlite3", timeout=TIMEOUT)) as database:
            return [sha256 for (sha256,) in database.execute("SELECT sha256 FROM films_checksum")]


@pytest.fixture
def project(tmp_path: Path, oss_server: LocalServer) -> Project:
    return Project(tmp_path, oss_server)


EXPECTED = [hashlib.sha256(CONTENT).hexdigest()]


def test_with_djangos_tasks(project: Project) -> None:
    needed = ["django_tasks"] if django.VERSION < (6, 0) else []
    project.write("films/tasks.py", block("films/tasks.py"))
    project.write("project_settings.py", f"{SETTINGS}INSTALLED_APPS += {needed}\n{block('settings.py')}")
    migrate, worker = re.findall(r"python manage\.py (.*)", re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)[0])
    project.manage(*migrate.split(), "--run-syncdb", "-v", "0")
    project.shell(UPLOAD + ENQUEUE_MISSING)  # The work is done twice, which does no harm.
    assert project.checksums() == []
    project.manage(*worker.split(), "--batch", "--no-startup-delay")
    assert project.checksums() == EXPECTED


def test_with_celery(project: Project) -> None:
    (diff,) = re.findall(r"```diff\n(.*?)```", SECTION, re.DOTALL)
    project.write("films/tasks.py", changed(block("films/tasks.py"), diff))
    project.write("project_settings.py", f"{SETTINGS}{CELERY_SETTINGS}")
    project.write("celery_app.py", CELERY_APP)
    project.write("films/__init__.py", "from celery_app import app")
    project.manage("migrate", "--run-syncdb", "-v", "0")
    project.shell(UPLOAD)
    assert project.checksums() == []
    worker = project.start("celery", "--app", "celery_app", "worker", "--pool", "solo", "--loglevel", "WARNING")
    try:
        wait_until(lambda: project.checksums() or worker.poll() is not None, "the worker to compute the checksum")
        assert project.checksums() == EXPECTED
    finally:
        worker.kill()
        worker.wait()
