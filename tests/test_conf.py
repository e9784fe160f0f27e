"""The app's settings: built once, built again when `UPLOADS` is replaced, and each wrong value alone fails."""

import pytest
from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.test import override_settings

from uploads.conf import Settings, settings
from uploads.domain.destination import Destination, outermost_prefixes


def test_a_value_is_built_once_until_uploads_is_replaced() -> None:
    with override_settings(UPLOADS={"OSS_BUCKET": "one"}):
        first = settings.destinations
        assert settings.destinations is first
        assert settings.bucket == "one"
        with override_settings(UPLOADS={"OSS_BUCKET": "two", "DESTINATIONS": {"films": {}}}):
            assert (settings.bucket, set(settings.destinations)) == ("two", {"films"})
        assert (settings.bucket, set(settings.destinations)) == ("one", {"default"})


def test_a_change_in_place_is_seen_when_django_announces_it() -> None:
    values = {"OSS_BUCKET": "one"}
    with override_settings(UPLOADS=values):
        assert settings.bucket == "one"
        values["OSS_BUCKET"] = "two"
        setting_changed.send(sender=None, setting="UPLOADS", value=values, enter=True)
        assert settings.bucket == "two"


def test_another_dict_is_seen_without_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    for bucket in ("one", "two"):
        monkeypatch.setattr(django_settings, "UPLOADS", {"OSS_BUCKET": bucket})
        assert settings.bucket == bucket


def test_one_wrong_value_leaves_the_others_readable() -> None:
    broken = Settings({"OSS_ENDPOINT": "ftp://x", "OSS_BUCKET": "b", "THROTTLES": 5, "DESTINATIONS": [1]})
    assert broken.bucket == "b"
    assert broken.origins == ()
    for name in ("endpoint", "throttles", "destinations", "buckets"):
        with pytest.raises(ValueError, match=r"DESTINATIONS|endpoint|not a"):
            getattr(broken, name)


def test_each_bucket_and_prefix_is_named_once() -> None:
    found = Settings({
        "OSS_BUCKET": "site",
        "DESTINATIONS": {
            "default": {},
            "films": {"key": "uploads/films/{uuid}"},
            "other": {"key": "other/{uuid}"},
            "archive": {"key": "old/{uuid}", "bucket": "archive"},
        },
    })  # fmt: skip
    assert {bucket: [each.name for each in used] for bucket, used in found.buckets.items()} == {
        "archive": ["archive"],
        "site": ["default", "films", "other"],
    }
    prefixes = {bucket: outermost_prefixes(used) for bucket, used in found.buckets.items()}
    assert prefixes == {"archive": ["old/"], "site": ["other/", "uploads/"]}


def test_a_destination_without_a_prefix_covers_the_whole_bucket() -> None:
    destinations = [Destination("a", key="{uuid}"), Destination("b", key="b/{uuid}")]
    assert outermost_prefixes(destinations) == [""]
