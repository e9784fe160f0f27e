"""Clients of openapi-typescript and hey-api compile strictly, and one of them is used for real."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.support import TYPESCRIPT, compile_strictly, consumer, write_schema
from tests.packed import node
from uploads.web.tokens import token_of

BIN = TYPESCRIPT / "node_modules" / ".bin"


@pytest.mark.django_db(transaction=True)
def test_openapi_typescript(tmp_path: Path, live_server: Any, user: Any, oss: Any) -> None:
    consumer(tmp_path, "openapi-fetch")
    generated = tmp_path / "generated" / "openapi-typescript.ts"
    node(tmp_path, str(BIN / "openapi-typescript"), str(write_schema(tmp_path)), "--output", str(generated))
    compile_strictly(tmp_path)
    assert json.loads(node(tmp_path, "openapi-fetch.js", live_server.url, token_of(user))) == {
        "state": "uploading",
        "method": "PUT",
        "refusal": "destination",
        "items": ["uploading", "invalid"],
        "numbers": [1, 2, 3],
        "names": ["film.mp4", "film.mp4"],
    }


def test_hey_api(tmp_path: Path) -> None:
    consumer(tmp_path, "hey-api")
    options = ["--input", str(write_schema(tmp_path)), "--output", "generated/hey-api", "--no-log-file"]
    node(tmp_path, str(BIN / "openapi-ts"), *options)
    compile_strictly(tmp_path)
