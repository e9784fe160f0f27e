"""nginx of a chaos run, in front of a site that is down."""

import ssl
from pathlib import Path

import httpx
import pytest

from tests.chaos.world import NGINX
from tests.http import TIMEOUT
from tests.nginx import nginx_is_installed, started_nginx
from tests.stack import free_port

PIPE_BYTES = 65_536
"""What the kernel keeps of a pipe that nobody reads."""


@pytest.mark.skipif(not nginx_is_installed(), reason="nginx is not installed")
def test_it_answers_after_any_number_of_errors(tmp_path: Path) -> None:
    with started_nginx(tmp_path, free_port(), NGINX) as port:
        verify = ssl.create_default_context(cafile=tmp_path / "site.pem")
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=verify, timeout=TIMEOUT) as client:
            while (tmp_path / "error.log").stat().st_size < 2 * PIPE_BYTES:
                assert client.get("/" + "x" * 1000).status_code == 502
