"""What a destination refuses, and what the refusal says: the field, the limit, and what would be accepted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from uploads.conf import Destination
from uploads.domain.errors import Forbidden, InvalidUpload, NotOffered, TooLarge, UploadError
from uploads.models import Upload
from uploads.oss.limits import MAX_METADATA_BYTES
from uploads.services import destination_rules as rules

FILMS = Destination("films")


def refused(call: Callable[[], Any], kind: type[UploadError], field: str) -> str:
    """The sentence of the error, which names this field alone, with the same sentence."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.errors == {field: [caught.value.detail]}
    return str(caught.value.detail)


def somebody(**values: Any) -> Any:
    return get_user_model()(pk=7, username="ann", **values)


def no_value(user: Any) -> None:
    """Named by its dotted path."""


def test_a_destination_that_is_not_there(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"films": {"max_size": 5}}}
    assert rules.get_destination("films").max_size == 5
    assert refused(lambda: rules.get_destination("other"), InvalidUpload, "destination") == (
        "There is no destination 'other'."
    )
    assert rules.current_destination(Upload(destination="films")).max_size == 5
    gone = refused(lambda: rules.current_destination(Upload(destination="other")), NotOffered, "destination")
    assert gone == "The destination 'other' no longer exists. Abort this upload."


def test_a_file_of_the_largest_size_is_accepted_and_one_byte_more_is_not() -> None:
    small = Destination("films", max_size=5)
    for size in (None, 0, 5):
        rules.check_file(small, size, "video/mp4")
    with pytest.raises(TooLarge, match="'films' accepts files of at most 5 bytes; this one has 6 bytes"):
        rules.check_file(small, 6, "video/mp4")
    rules.check_file(FILMS, 10**15, "video/mp4")


def test_a_type_is_compared_without_its_parameters_and_without_case() -> None:
    typed = Destination("films", content_types=["Video/*", "image/png"])
    for accepted in ("video/mp4", "VIDEO/MP4", " image/png ; charset=x; y=z"):
        rules.check_file(typed, 5, accepted)
    said = refused(lambda: rules.check_file(typed, 5, "Text/HTML; charset=x"), InvalidUpload, "content_type")
    assert said == "The destination 'films' accepts Video/*, image/png, not text/html."
    rules.check_file(FILMS, 5, "text/html")


@pytest.mark.parametrize(
    "given",
    [
        "image/png, text/html",
        "image/png;,text/html",
        "image/png;a=b,text/html",
        'image/png;a="b",text/html',
        "image/png;\r\nX: text/html",
        "image/",
        "image/a/b",
        "image/png;a=" + "x" * 243,
    ],
)
def test_a_type_that_is_not_one_media_type_is_refused_where_types_are_limited(given: str) -> None:
    """A browser takes the last of several types."""
    said = refused(
        lambda: rules.check_file(Destination("films", content_types=["image/*"]), 5, given),
        InvalidUpload,
        "content_type",
    )
    assert said == f"The destination 'films' accepts image/*, not {given}."
    rules.check_file(FILMS, 5, given)


def test_parameters_that_browsers_send_are_accepted() -> None:
    typed = Destination("films", content_types=["video/*", "text/plain"])
    for given in (
        "video/webm; codecs=vp8,opus",
        'video/webm;codecs="vp8, opus"',
        "video/mp4;",
        "text/plain ;charset=utf-8 ; x=y",
    ):
        rules.check_file(typed, 5, given)


@pytest.mark.parametrize(
    ("permission", "values", "may"),
    [
        ("", {}, True),
        ("", {"is_active": False}, False),
        ("uploads.nobody_may", {}, False),
        ("uploads.nobody_may", {"is_superuser": True}, True),
        ("uploads.nobody_may", {"is_superuser": True, "is_active": False}, False),
        (lambda user: user.username == "ann", {}, True),
        (lambda user: user.username == "ann", {"is_active": False}, False),
        (lambda user: user.username == "bob", {"is_superuser": True}, False),
    ],
)
@pytest.mark.django_db
def test_who_may_upload(permission: Any, values: dict[str, Any], may: bool) -> None:
    destination = Destination("films", permission=permission)
    if may:
        rules.permit(destination, somebody(**values))
    else:
        said = refused(lambda: rules.permit(destination, somebody(**values)), Forbidden, "destination")
        assert said == "You may not upload to 'films'. Ask an administrator for access."


@pytest.mark.parametrize("permission", ["", "uploads.view_upload", lambda user: True])
def test_nobody_uploads_without_an_account(permission: Any) -> None:
    with pytest.raises(Forbidden):
        rules.permit(Destination("films", permission=permission), AnonymousUser())


def test_a_value_of_a_key_is_asked_for_once_for_each_destination() -> None:
    asked = []

    def tenant(user: Any) -> str:
        asked.append(user.username)
        return "acme"

    values = rules.KeyValues(somebody())
    for name in ("films", "films", "photos"):
        assert values.of(Destination(name, key_values={"tenant": tenant})) == {"tenant": "acme"}
    assert asked == ["ann", "ann"]


def test_without_a_value_nothing_is_uploaded(caplog: pytest.LogCaptureFixture) -> None:
    destination = Destination("films", key_values={"tenant": f"{__name__}.no_value"})
    said = refused(lambda: rules.KeyValues(somebody()).of(destination), Forbidden, "destination")
    assert said == "You may not upload to 'films': your account has no valid tenant. Ask an administrator."
    (record,) = caplog.records
    assert (record.name, record.levelname, record.message) == (
        "uploads.destinations", "WARNING", "no valid value for a key",
    )  # fmt: skip
    assert (record.destination, record.field) == ("films", "tenant")


def test_metadata_up_to_osss_limit_where_the_destination_lets_the_client_set_it() -> None:
    films = Destination("films", client_options=["metadata"])
    assert rules.metadata(FILMS, {}) == {}
    assert rules.metadata(films, {"UID": "Ann"}) == {"uid": "Ann"}
    said = refused(lambda: rules.metadata(FILMS, {"uid": "7"}), InvalidUpload, "metadata")
    assert said == "The destination 'films' does not accept metadata from the client."
    room = MAX_METADATA_BYTES - len("x-oss-meta-a") - len("x-oss-meta-b")
    most = {"a": "x" * 100, "b": "y" * (room - 100)}
    assert rules.metadata(films, most) == most
    said = refused(lambda: rules.metadata(films, {**most, "a": "x" * 101}), InvalidUpload, "metadata")
    assert said == f"Metadata may have at most {MAX_METADATA_BYTES} bytes in total."


def test_options_are_those_of_the_destination_and_the_clients_where_it_may_choose() -> None:
    films = Destination(
        "films", acl="private", forbid_overwrite=False, client_options=["acl", "cache_control"]
    )  # fmt: skip
    assert rules.options(films, {}) == {"acl": "private"}
    assert rules.options(films, {"acl": "public-read"}) == {"acl": "public-read"}
    with pytest.raises(InvalidUpload) as caught:
        rules.options(films, {"acl": "nobody", "tagging": {}, "key": "other"})
    foreign = "the destination 'films' does not let the client set this"
    known = "it must be one of default, private, public-read, public-read-write"
    assert {name: str(problem) for name, problem in caught.value.errors["options"].items()} == {
        "acl": known, "tagging": foreign, "key": foreign,
    }  # fmt: skip
    assert str(caught.value.detail) == f"Invalid options: acl: {known}; tagging: {foreign}; key: {foreign}."


def test_options_that_cannot_be_combined() -> None:
    films = Destination("films", encryption="KMS", client_options=["encryption", "encryption_key_id"])
    assert rules.options(films, {"encryption_key_id": "k"})["encryption_key_id"] == "k"
    with pytest.raises(InvalidUpload) as caught:
        rules.options(films, {"encryption": "AES256", "encryption_key_id": "k"})
    problem = "encryption_key_id can only be set where encryption is KMS"
    assert str(caught.value.detail) == f"Invalid options: {problem}."
    assert [str(one) for one in caught.value.errors["options"]] == [problem]


def test_a_client_may_only_be_slower_than_the_destination() -> None:
    limited = Destination("films", traffic_limit=1_000_000, client_options=["traffic_limit"])
    free = Destination("films", client_options=["traffic_limit"])
    for given, limit in ((900_000, 900_000), (1_000_001, 1_000_000)):
        assert rules.options(limited, {"traffic_limit": given})["traffic_limit"] == limit
    assert rules.options(limited, {})["traffic_limit"] == 1_000_000
    assert rules.options(free, {"traffic_limit": 900_000})["traffic_limit"] == 900_000
    assert "traffic_limit" not in rules.options(free, {})
