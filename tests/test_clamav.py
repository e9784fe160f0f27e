"""The ClamAV inspector, against a real clamd with a signature for the EICAR test file."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.django_fixtures import Begin
from tests.services.test_completion import again
from tests.stack import deliver
from uploads import clamav, services
from uploads.domain.errors import Rejected, StorageBusy
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound
from uploads.oss.signing import PartRequest

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(shutil.which("clamd") is None, reason="clamd is not installed: apt-get install clamav-daemon"),
]

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"[:68]
SIGNATURE = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n"
MAX_STREAM = 2_000_000
START_SECONDS = 60


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a clamd in the foreground, which knows one signature."""
    home = tmp_path_factory.mktemp("clamd")
    (home / "database").mkdir()
    (home / "database" / "eicar.hdb").write_text(SIGNATURE)
    address = home / "clamd.ctl"
    (home / "clamd.conf").write_text(
        f"DatabaseDirectory {home}/database\nLocalSocket {address}\nForeground yes\nStreamMaxLength {MAX_STREAM}\n"
    )
    process = subprocess.Popen(["clamd", "-c", str(home / "clamd.conf")], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not address.exists():
            assert process.poll() is None, "clamd has ended"
            assert time.monotonic() < deadline, "clamd does not start"
            time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def scanned(settings: Any, clamd: Path) -> None:
    destination = {"stage": True, "inspector": "uploads.clamav.inspect"}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": destination}, "CLAMD_ADDRESS": str(clamd)}


def sent(begin: Begin, content: bytes) -> Upload:
    upload = begin(len(content), filename="a.txt", content_type="text/plain")
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert deliver(part, content).status_code == 200
    return upload


def test_a_harmless_file_passes(begin: Begin, oss: OssClient) -> None:
    for content in (b"hello", b"", bytes(MAX_STREAM - 10)):
        upload = services.complete(sent(begin, content))
        assert upload.state == State.COMPLETED
        assert oss.head(upload.bucket, upload.key).size == len(content)


def test_a_virus_is_rejected_by_its_name_and_removed(begin: Begin, oss: OssClient) -> None:
    upload = sent(begin, EICAR)
    with pytest.raises(Rejected, match="Eicar-Test-Signature"):
        services.complete(upload)
    upload = again(upload)
    assert (upload.state, upload.error["code"]) == (State.FAILED, "rejected")
    for key in (upload.staging_key, upload.final_key):
        with pytest.raises(NotFound):
            oss.head(upload.bucket, key)


def test_a_file_beyond_clamds_limit_is_rejected(begin: Begin, oss: OssClient) -> None:
    with pytest.raises(Rejected, match="too large"):
        services.complete(sent(begin, bytes(MAX_STREAM + 5_000_000)))


def test_nothing_passes_while_clamd_is_away(begin: Begin, oss: OssClient, settings: Any, tmp_path: Path) -> None:
    for address in (str(tmp_path / "nobody"), "127.0.0.1:1"):
        settings.UPLOADS = {**settings.UPLOADS, "CLAMD_ADDRESS": address}
        upload = sent(begin, EICAR)
        with pytest.raises(StorageBusy, match="inspected"):
            services.complete(upload)
        assert again(upload).stage == "checking"


def test_an_answer_that_is_no_verdict_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in ("", "INSTREAM: Can't allocate memory ERROR", "stream: OK?"):
        monkeypatch.setattr(clamav, "scan", lambda *_, answer=answer: answer)
        with pytest.raises(clamav.ScannerFailed):
            clamav.inspect(None, lambda: BytesIO(b"x"))
