"""python -m tests.abuse: all phases of schemathesis, as each of four users, until ABUSE_CASES requests are sent.

Fails where an answer has a status of 500 or more or is not as the schema says, or where fewer requests were sent. The
site and the local OSS are real processes. ABUSE_SEED repeats a run: the first round has this seed, the next the
following one.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tests.stack import ROOT, Stack, destinations

CASES = int(os.environ.get("ABUSE_CASES") or 2_000)
SEED = int(os.environ.get("ABUSE_SEED") or 1)
TOOL = ROOT / "var" / "tools" / "bin" / "schemathesis"
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 10
"""Requests for each operation in a phase, at most. A round of one user is about two thousand."""
DESTINATIONS = {
    "default": {
        "client_options": ["metadata", "tagging", "cache_control", "expires", "storage_class"],
        "credentials": "prefix",
        "download_expires": 3600,
        "allow_delete": True,
    }
}
MORE_ACCOUNTS = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
get_user_model().objects.create_user("other", password="other")
staff = get_user_model().objects.create_user("staff", password="staff", is_staff=True)
staff.user_permissions.set(Permission.objects.filter(content_type__app_label="uploads"))
"""
ACTORS = {"anonymous": "", "user": "demo", "other": "other", "staff": "staff"}
"""Who sends the requests: the names of the accounts. The uploads that requests name are those of `user`."""


def known(stack: Stack) -> dict[str, str]:
    """An unfinished upload of `user`, and another one that was begun by a Companion URL, with that URL's capability."""
    with stack.api("demo") as api:
        file = {"filename": "film.mp4", "size": 20_000_000}
        upload = api.post("uploads/", json=file).raise_for_status().json()
        url = api.post("uppy/", json={}).raise_for_status().json()["companion_url"]
        begun = api.post(f"{url}s3/multipart", json={"filename": "film.mp4"}).raise_for_status().json()
    capability = url.rstrip("/").rpartition("/")[2]
    return {
        "upload": upload["id"],
        "capability": capability,
        "upload_id": begun["uploadId"],
        "key": begun["key"],
    }


def sent(stack: Stack, account: str, seed: int, directory: Path) -> tuple[int, bool]:
    """One round: the number of requests, and whether all answers were right. Prints what was wrong."""
    config = CONFIG.read_text()
    for name, value in known(stack).items():
        config = config.replace(f"{{{name}}}", value)
    (directory / "schemathesis.toml").write_text(config)
    login = ["--header", f"Authorization: {stack.api(account).headers['Authorization']}"] if account else []
    command: list[Any] = [
        TOOL, "--config-file", directory / "schemathesis.toml", "run", f"{stack.site.url}/api/schema/", *login,
        "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES, "--seed", seed,
        "--generation-database", "none", "--no-shrink", "--no-color", "--suppress-health-check", "all",
        "--wait-for-schema", 300, "--request-timeout", 120,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # For the hooks.
    run = subprocess.run(
        [str(word) for word in command], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    generated = re.search(r"^\s*([\d,]+) generated", run.stdout, re.MULTILINE)
    if run.returncode or not generated:
        print(run.stdout, run.stderr, sep="\n", flush=True)
    return int(generated[1].replace(",", "")) if generated else 0, run.returncode == 0


def rounds() -> Iterator[tuple[int, str]]:
    """Seeds and actors, without end."""
    for seed in count(SEED):
        for actor in ACTORS:
            yield seed, actor


def main() -> int:
    figures = dict.fromkeys(ACTORS, 0)
    wrong = []
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "site.log"
        with Stack(settings="tests.unthrottled", log=log, variables=destinations(DESTINATIONS)) as stack:
            stack.site.manage("shell", "--verbosity", "0", "--command", MORE_ACCOUNTS)
            for seed, actor in rounds():
                number, right = sent(stack, ACTORS[actor], seed, Path(directory))
                figures[actor] += number
                wrong += [] if right else [f"{actor}, seed {seed}"]
                print(json.dumps({"seed": seed, "actor": actor, "cases": number, "right": right}), flush=True)
                if sum(figures.values()) >= CASES or not number:
                    break
    print(json.dumps({"cases": sum(figures.values()), **figures, "wrong": wrong}))
    return int(bool(wrong) or sum(figures.values()) < CASES)


if __name__ == "__main__":
    sys.exit(main())
