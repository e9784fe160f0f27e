"""What Django and its projects expect of any storage, as Django's own tests of file storages ask it."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile, TemporaryUploadedFile
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone as django_timezone

from tests import http
from uploads.domain.content_types import content_type_of
from uploads.oss.client import OssClient
from uploads.storage import OssManifestStaticStorage, OssStorage

BUCKET = "demo-bucket"


@pytest.fixture
def media(oss: OssClient) -> OssStorage:
    empty(oss, "facts/")
    return OssStorage(prefix="facts/")


def empty(oss: OssClient, prefix: str) -> None:
    for page in oss.list_objects(BUCKET, prefix):
        for key in page.keys:
            oss.delete_object(BUCKET, key)


def said(oss: OssClient, key: str) -> Any:
    return oss.head(BUCKET, key).headers


# Names


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "..", "tmp/.."])
def test_no_name_leaves_the_prefix(media: OssStorage, name: str) -> None:
    for use in (
        lambda: media.save(name, ContentFile(b"x")),
        lambda: media.open(name),
        lambda: media.open(name, "wb"),
        lambda: media.exists(name),
        lambda: media.size(name),
        lambda: media.url(name),
        lambda: media.delete(name),
    ):
        with pytest.raises(SuspiciousFileOperation):
            use()
    assert list(OssStorage().listdir("facts")) == [[], []]


def test_listing_does_not_leave_the_prefix_either(media: OssStorage) -> None:
    with pytest.raises(SuspiciousFileOperation):
        media.listdir("../uploads")


def test_a_taken_name_gets_another_that_is_not_too_long(media: OssStorage) -> None:
    assert media.save("a.txt", ContentFile(b"1")) == "a.txt"
    assert re.fullmatch(r"a_\w{7}\.txt", media.save("a.txt", ContentFile(b"2")))
    assert media.save("a long name.txt", ContentFile(b"3")) == "a long name.txt"
    assert len(media.save("a long name.txt", ContentFile(b"4"), max_length=15)) <= 15
    with pytest.raises(SuspiciousFileOperation):
        media.save("a.txt", ContentFile(b"5"), max_length=3)


def test_two_that_save_one_name_at_the_same_time_get_two_files(
    media: OssStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    media.save("race", ContentFile(b"first"))
    answers = iter([True])
    plain = OssStorage.is_name_available
    monkeypatch.setattr(
        OssStorage, "is_name_available", lambda *given, **limit: next(answers, None) or plain(*given, **limit)
    )
    name = media.save("race", ContentFile(b"second"))
    assert name != "race"
    assert [media.open(each).read() for each in ("race", name)] == [b"first", b"second"]


def test_overwriting_is_a_choice(oss: OssClient, media: OssStorage) -> None:
    storage = OssStorage(prefix="facts/", allow_overwrite=True)
    assert [storage.save("same", ContentFile(text)) for text in (b"1", b"2")] == ["same", "same"]
    assert media.open("same").read() == b"2"

    class Overwriting(OssStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return name

    assert Overwriting(prefix="facts/").save("same", ContentFile(b"3")) == "same"
    assert media.open("same").read() == b"3"


def test_a_file_brings_its_own_name(media: OssStorage) -> None:
    assert media.save(None, ContentFile(b"x", name="own.txt")) == "own.txt"  # type: ignore[arg-type]


# Files and directories


def test_directories_exist_by_their_files(media: OssStorage) -> None:
    media.save("dir/sub/a", ContentFile(b"x"))
    media.save("dir/b", ContentFile(b"x"))
    assert all(map(media.exists, ["", "dir", "dir/", "dir/sub", "dir/sub/a"]))
    assert not any(map(media.exists, ["di", "dir/su", "dir/sub/a/c", "other"]))
    assert media.listdir("dir") == media.listdir("dir/") == (["sub"], ["b"])
    assert media.listdir("nowhere") == ([], [])


def test_deleting(media: OssStorage) -> None:
    media.delete("never there")
    with pytest.raises(ValueError, match="name must be given"):
        media.delete("")


@pytest.mark.parametrize("use_tz", [True, False])
def test_times_are_as_the_project_keeps_them(media: OssStorage, settings: Any, use_tz: bool) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Shanghai"
    media.save("t", ContentFile(b"x"))
    for modified in (media.get_modified_time("t"), media.get_created_time("t")):
        assert django_timezone.is_aware(modified) == use_tz
        aware = modified if use_tz else modified.replace(tzinfo=timezone(timedelta(hours=8)))
        assert abs(datetime.now(UTC) - aware) < timedelta(minutes=5)
    for ask in (media.get_modified_time, media.get_created_time):
        with pytest.raises(FileNotFoundError):
            ask("none")


def test_it_has_no_paths(media: OssStorage) -> None:
    with pytest.raises(NotImplementedError):
        media.path("a")


# Contents


class Chunked(File):  # type: ignore[type-arg]
    """Only its chunks can be had, and nobody knows how many."""

    def __init__(self, *chunks: bytes) -> None:
        super().__init__(None, "chunked")
        self._chunks = chunks

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield from self._chunks

    def seekable(self) -> bool:
        return False


def test_any_file_of_django_is_saved(media: OssStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = TemporaryUploadedFile("t", "text/plain", 4, None)
    temporary.write(b"temp")
    memory = InMemoryUploadedFile(io.BytesIO(b"memory"), None, "m", "text/plain", 6, None)
    files = {"temp": temporary, "memory": memory, "gen": Chunked(b"ge", b"n"), "text": ContentFile("text")}
    for text, file in files.items():
        assert media.open(media.save(text, file)).read() == text.encode()
    assert not temporary.file.closed, "saving closes nothing"
    temporary.close()
    monkeypatch.setattr("uploads.storage.MAX_SINGLE_PUT", 110_000)
    pieces = [bytes([number]) * 70_000 for number in range(5)]
    assert media.open(media.save("large", Chunked(*pieces))).read() == b"".join(pieces)


def test_what_fails_while_it_is_read_is_not_saved(media: OssStorage) -> None:
    class Broken(Chunked):
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield b"half"
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        media.save("broken", Broken())
    assert not media.exists("broken")


def test_a_file_can_be_written(media: OssStorage) -> None:
    with media.open("w.txt", "w") as file:
        file.write("schön")
    with media.open("w.txt", "r") as file:
        assert file.read() == "schön"
    with media.open("w.txt", "wb") as file:
        file.write(b"again ")
        file.write(b"and again")
    assert media.open("w.txt").read() == b"again and again"
    with pytest.raises(TypeError), media.open("w.txt", "wb") as file:
        file.writelines([b"half", None])
    assert media.open("w.txt").read() == b"again and again"


# What the objects are given


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("a.css", None, "text/css"),
        ("a.js", "text/plain", "text/javascript"),
        ("a.mjs", None, "text/javascript"),
        ("a.woff2", None, "font/woff2"),
        ("a.wasm", None, "application/wasm"),
        ("名.JPG", None, "image/jpeg"),
        ("a.tar.gz", None, "application/gzip"),
        ("a.txt.bz2", None, "application/octet-stream"),
        ("a.unknown", "video/x-ours", "video/x-ours"),
        ("a", None, "application/octet-stream"),
    ],
)
def test_the_content_type_comes_from_the_name(name: str, given: str | None, expected: str) -> None:
    assert content_type_of(name, given) == expected


def test_objects_get_the_options_of_the_storage(
    oss: OssClient, media: OssStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = OssStorage(
        prefix="facts/", acl="public-read", cache_control="max-age=60", content_disposition="attachment",
        tagging={"kind": "media"},
    )  # fmt: skip
    name = storage.save("größe.png", SimpleUploadedFile("x", b"x", "text/html"))
    monkeypatch.setattr("uploads.storage.MAX_SINGLE_PUT", 100_000)
    large = storage.save("large.png", ContentFile(bytes(300_000)))
    for key in (f"facts/{name}", f"facts/{large}"):
        headers = said(oss, key)
        assert (headers["content-type"], headers["cache-control"]) == ("image/png", "max-age=60")
        assert headers["content-disposition"].startswith("attachment; filename=")
        assert oss.get_object_acl(BUCKET, key) == "public-read"
        assert oss.get_object_tagging(BUCKET, key) == {"kind": "media"}
    media.save("plain", ContentFile(b"x"))
    assert oss.get_object_acl(BUCKET, "facts/plain") == "default"


def test_a_wrong_option_is_reported(settings: Any, oss: OssClient) -> None:
    with pytest.raises(ImproperlyConfigured, match="acl: it must be one of"):
        OssStorage(acl="everybody")
    settings.STORAGES = {
        "default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"acl": "everybody"}},
        "staticfiles": {"BACKEND": "uploads.storage.OssManifestStaticStorage", "OPTIONS": {"prefix": "static/"}},
        "other": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    found = {message.id: message for message in run_checks(tags=["uploads"])}
    assert "'default'" in found["uploads.E064"].msg
    assert "'staticfiles'" in found["uploads.W062"].msg
    settings.STORAGES["default"]["OPTIONS"] = {"acl": "private"}
    settings.STORAGES["staticfiles"]["OPTIONS"] |= {"expires": None, "acl": "public-read"}
    assert {message.id for message in run_checks(tags=["uploads"])} & {"uploads.E064", "uploads.W062"} == set()


FILMS = {"films": {"key": "films/{user_id}/{uuid}/{filename}", "stage": True}}
NO_DIRECTORY = {"any": {"key": "{user_id}/{uuid}/{filename}"}}


@pytest.mark.parametrize(
    ("prefix", "destinations", "refused"),
    [
        ("static/", FILMS, False),
        ("", FILMS, True),
        ("films/static/", FILMS, True),
        ("films", FILMS, True),
        ("staging/", FILMS, True),
        ("staging/static/", FILMS, True),
        ("static/", NO_DIRECTORY, False),
        ("7/", NO_DIRECTORY, True),
        ("static/", {"any": {"key": "{uuid}/{filename}"}}, False),
        ("static/", {"any": {"key": "{path}/{uuid}"}}, True),
        ("static/", {"default": {"key": "{uuid"}, **FILMS}, False),
        ("static/", ["default"], False),
        ("media/", FILMS, True),  # Below it the storage "default" has its files.
        ("media/static/", FILMS, False),
    ],
)
def test_collectstatic_clear_deletes_no_files_of_others(
    settings: Any, prefix: str, destinations: Any, refused: bool
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": destinations}
    settings.STORAGES = {
        "default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "media/"}},
        "staticfiles": {"BACKEND": "uploads.storage.OssManifestStaticStorage", "OPTIONS": {**PUBLIC, "prefix": prefix}},
    }
    told = [message.id for message in run_checks(tags=["uploads"])]
    assert ("uploads.E065" in told) is refused


def test_collectstatic_clear_does_not_begin_to_empty_the_bucket(settings: Any, oss: OssClient) -> None:
    """It makes no checks but those for static files."""
    oss.put_object(BUCKET, "uploads/7/film.mp4", b"film", {})
    everything = {"BACKEND": "uploads.storage.OssManifestStaticStorage", "OPTIONS": {**PUBLIC, "prefix": ""}}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": everything}
    with pytest.raises(SystemCheckError, match=r"would delete files of destination 'default'"):
        call_command("collectstatic", interactive=False, clear=True, skip_checks=False)
    assert oss.head(BUCKET, "uploads/7/film.mp4").size == 4


class OwnPrefix(OssStorage):
    def __init__(self) -> None:
        super().__init__(prefix="own/")


def test_a_bucket_of_their_own_needs_no_prefix(settings: Any) -> None:
    everything = {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"bucket": "static-hz", "expires": None}}

    def told(**storages: Any) -> list[str]:
        settings.STORAGES = {"default": {"BACKEND": "tests.test_django_storage.OwnPrefix"}, **storages}
        return [str(message.id) for message in run_checks(tags=["uploads"])]

    assert told(staticfiles=everything) == []
    assert told(staticfiles=everything, media={"BACKEND": "uploads.storage.OssStorage"}) == ["uploads.W065"]
    assert told(staticfiles=everything, media=everything) == ["uploads.E065"]
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"bucket": "films-hz"}}}
    assert told(staticfiles={**everything, "OPTIONS": {"expires": None}}) == ["uploads.E065"]
    assert told(staticfiles={"BACKEND": "tests.test_django_storage.OwnPrefix"}) == ["uploads.W062"]


def test_a_storage_among_uploads_is_told(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": FILMS}
    for prefix, ids in (("media/", []), ("staging/media/", ["uploads.W065"]), ("films/7/", ["uploads.W065"])):
        settings.STORAGES = {"default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": prefix}}}
        assert [message.id for message in run_checks(tags=["uploads"])] == ids


def test_a_storage_can_stand_in_a_migration() -> None:
    path, arguments, options = OssStorage(prefix="m/", acl="private").deconstruct()  # type: ignore[attr-defined]
    assert (path, arguments, options) == ("uploads.storage.OssStorage", (), {"prefix": "m/", "acl": "private"})


# collectstatic


@pytest.fixture
def site_files(tmp_path: Path, settings: Any, oss: OssClient) -> Path:
    empty(oss, "static/")
    (tmp_path / "css").mkdir()
    style = (
        "body { background: url('../dot.svg') } @font-face { src: url('../dot.svg?v=4.0'), url('../dot.svg?#iefix') }"
    )
    (tmp_path / "css" / "site.css").write_text(style)
    (tmp_path / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "site.js").write_text("export const answer = 42;\n")
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.DEBUG = False
    return tmp_path


PUBLIC = {"prefix": "static/", "expires": None, "acl": "public-read", "cache_control": "public, max-age=300"}


def collect(settings: Any, backend: str, **options: Any) -> str:
    settings.STORAGES = {
        "default": {"BACKEND": "uploads.storage.OssStorage"},
        "staticfiles": {"BACKEND": f"uploads.storage.{backend}", "OPTIONS": PUBLIC},
    }
    written = io.StringIO()
    call_command("collectstatic", interactive=False, verbosity=1, stdout=written, **options)
    return written.getvalue()


def test_collected_files_are_what_a_browser_expects(site_files: Path, settings: Any, oss: OssClient) -> None:
    assert "3 static files copied" in collect(settings, "OssStorage")
    storage = OssStorage(**PUBLIC)  # type: ignore[arg-type]
    for name, kind in {"css/site.css": "text/css", "site.js": "text/javascript", "dot.svg": "image/svg+xml"}.items():
        assert "?" not in storage.url(name)
        answer = http.get(storage.url(name))
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert "content-disposition" not in answer.headers
    assert "0 static files copied, 3 unmodified" in collect(settings, "OssStorage")
    oss.put_object(BUCKET, "static/old/gone.css", b"x")
    assert "3 static files copied" in collect(settings, "OssStorage", clear=True)
    assert storage.listdir("") == (["css"], ["dot.svg", "site.js"])


def test_collected_files_get_names_with_a_hash(site_files: Path, settings: Any) -> None:
    assert "3 post-processed" in collect(settings, "OssManifestStaticStorage")
    storage = OssManifestStaticStorage(**PUBLIC)
    address = storage.url("css/site.css")
    assert re.search(r"/static/css/site\.[0-9a-f]{12}\.css$", address)
    style = http.get(address)
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    used = re.findall(r'url\("(.*?)"\)', style.text)
    assert [each.partition("?")[1:] for each in used] == [("", ""), ("?", "v=4.0"), ("?", "#iefix")]
    for each in used:
        assert http.get(urljoin(address, each)).headers["content-type"] == "image/svg+xml"
    plain = OssStorage(**PUBLIC).url("site.js")  # type: ignore[arg-type]
    assert http.get(plain).headers["cache-control"] == "public, max-age=300"
    (site_files / "site.js").write_text("export const answer = 43;\n")
    before = storage.url("site.js")
    collect(settings, "OssManifestStaticStorage")
    after = OssManifestStaticStorage(**PUBLIC).url("site.js")
    assert [http.get(each).text[-4:] for each in (before, after)] == ["42;\n", "43;\n"]


def test_the_default_storage_is_ours_where_the_settings_say_so(settings: Any, oss: OssClient) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "uploads.storage.OssStorage"}}
    assert isinstance(default_storage._wrapped if default_storage.exists("") else None, OssStorage)  # type: ignore[attr-defined]
