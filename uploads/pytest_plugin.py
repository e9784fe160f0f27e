"""Pytest fixtures for projects that use the app. Pytest loads them as an installed plugin.

    def test_a_film_is_shown(client, completed_upload, user):
        film = Film.objects.create(file=completed_upload(user, b"…", filename="a.mp4"))

Rule: nothing is mocked. The local OSS listens on a socket, and uploads are sent to it. Pytest imports this module in
every environment that the app is installed in, so it imports nothing else: the fixtures do.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from uploads.localoss.testing import LocalServer
    from uploads.models import Upload


@pytest.fixture(scope="session")
def oss_server() -> Iterator["LocalServer"]:
    """A local OSS server for the whole test session. It needs the extra `localoss`."""
    from uploads.localoss.extra import missing_packages
    from uploads.localoss.testing import LocalServer

    if sentence := missing_packages():
        pytest.fail(sentence, pytrace=False)
    with LocalServer() as server:
        yield server


@pytest.fixture
def oss_uploads(oss_server: "LocalServer", settings: Any) -> "LocalServer":
    """The local OSS server, after `settings.UPLOADS` was pointed at it for this test."""
    settings.UPLOADS = {
        **getattr(settings, "UPLOADS", {}),
        "OSS_ENDPOINT": oss_server.url,
        "OSS_INTERNAL_ENDPOINT": "",
        "OSS_ADDRESSING": "path",
        "OSS_REGION": oss_server.region,
        "OSS_BUCKET": oss_server.bucket,
        "CREDENTIALS": None,
        "OSS_ACCESS_KEY_ID": oss_server.access_key_id,
        "OSS_ACCESS_KEY_SECRET": oss_server.access_key_secret,
    }
    return oss_server


@pytest.fixture
def completed_upload(oss_uploads: "LocalServer", db: None) -> Callable[..., "Upload"]:
    """A function that uploads `content` and returns the completed Upload:

    `completed_upload(user, content=b"…", filename="a.bin", content_type="", destination="default")`.
    """
    from uploads import services
    from uploads.services.transactions import oss_client

    def make(
        user: Any,
        content: bytes = b"hello",
        filename: str = "hello.txt",
        content_type: str = "text/plain",
        destination: str = "default",
    ) -> "Upload":
        upload = services.begin(user, services.UploadRequest(destination, filename, len(content), content_type))
        client = oss_client(upload)
        if upload.upload_id:
            for number in upload.plan.numbers():
                start = (number - 1) * upload.part_size
                piece = content[start : start + upload.part_size]
                client.upload_part(upload.bucket, upload.key, upload.upload_id, number, piece)
        else:
            client.put_object(upload.bucket, upload.key, content, services.object_headers(upload))
        return services.complete(upload)

    return make
