"""Which templates have keys under a prefix that a user may write by other credentials."""

import pytest

from uploads.domain.overlaps import may_lie_in_own_prefix, own_prefixes_may_overlap

OWN = "films/{user_id}/{uuid}/{filename}"


@pytest.mark.parametrize(
    ("template", "own", "overlaps"),
    [
        (OWN, OWN, True),
        ("films/{user_id}/{uuid}", "films/{user_id}/{date:%Y/%m}/{uuid}/{filename}", True),
        ("films/{user_id}/checked/{uuid}", OWN, True),
        ("films/{date:%Y/%m}/{uuid}", OWN, True),  # The user 2026.
        ("films/{filename}/{uuid}", OWN, True),
        ("films/{path}/{uuid}", OWN, True),
        ("films/7/{uuid}", OWN, True),
        ("{tenant}/{user_id}/{uuid}", OWN, True),
        (OWN, "{tenant}/{user_id}/{uuid}", True),
        ("{user_id}/{filename}/{uuid}", "7/{user_id}/{uuid}", True),
        ("user-{user_id}/{uuid}", "user-{user_id}/{uuid}", True),
        ("checked-{user_id}/{uuid}", "user-{user_id}/{uuid}", False),
        ("films/checked/{user_id}/{uuid}", OWN, False),
        ("checked/{user_id}/{uuid}", OWN, False),
        ("films2/{user_id}/{uuid}", OWN, False),
        (OWN, "films/checked/{user_id}/{uuid}", False),
        ("films/{uuid}/{filename}", OWN, False),
        ("films/{uuid}", OWN, False),
        ("{user_id}/{uuid}", "films/{user_id}/{uuid}", False),
    ],
)
def test_overlaps(template: str, own: str, overlaps: bool) -> None:
    assert may_lie_in_own_prefix(template, own, str.isdecimal) is overlaps


def test_a_user_may_have_the_name_of_a_directory_where_names_are_keys() -> None:
    assert may_lie_in_own_prefix("films/checked/{uuid}/{filename}", OWN, lambda text: True)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        (OWN, OWN, True),
        (OWN, "films/{user_id}/cut/{uuid}", True),
        (OWN, "films/7/{user_id}/{uuid}", True),
        (OWN, "films/cut/{user_id}/{uuid}", False),
        (OWN, "cut/{user_id}/{uuid}", False),
        ("films/a-{user_id}/{uuid}", "films/a-{user_id}/{filename}/{uuid}", True),
        ("films/a-{user_id}/{uuid}", "films/b-{user_id}/{uuid}", False),
        ("{tenant}/films/{user_id}/{uuid}", "{tenant}/{user_id}/{uuid}", False),  # No user is called films.
        ("{tenant}/films/{user_id}/{uuid}", "{tenant}/images/{user_id}/{uuid}", False),
        ("{tenant}/films/{user_id}/{uuid}", "films/{tenant}/{user_id}/{uuid}", True),
    ],
)
def test_own_prefixes_overlap(first: str, second: str, overlap: bool) -> None:
    assert own_prefixes_may_overlap(first, second, str.isdecimal) is overlap
    assert own_prefixes_may_overlap(second, first, str.isdecimal) is overlap
