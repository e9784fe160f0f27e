"""Wildcards: what they match, and that no pattern takes for ever."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.localoss.wildcards import like


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a/b\nc", True),
        ("a*c", "abbc", True),
        ("a*c", "abcb", False),
        ("?", "", False),
        ("?", "/", True),
        ("a?c*", "abc", True),
        ("**", "", True),
        ("[ab]", "a", False),
        ("A", "a", False),
    ],
)
def test_patterns(pattern: str, text: str, expected: bool) -> None:
    assert like(pattern, text) is expected


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_agrees_with_the_regular_expression_that_says_the_same(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern)
    assert like(pattern, text) is bool(re.fullmatch(expression, text))


def test_a_pattern_made_to_hurt_is_soon_done() -> None:
    assert not like("*a" * 1000 + "b", "a" * 2000)
