"""Endpoints and the URLs of objects."""

import pytest

from uploads.oss.endpoint import Addressing, Endpoint


@pytest.mark.parametrize(
    ("text", "addressing", "url"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", "virtual", "https://b.oss-cn-hangzhou.aliyuncs.com/a%20b/c"),
        ("http://127.0.0.1:9000/", "path", "http://127.0.0.1:9000/b/a%20b/c"),
        ("https://media.example.com", "cname", "https://media.example.com/a%20b/c"),
    ],
)
def test_the_url_of_an_object(text: str, addressing: Addressing, url: str) -> None:
    assert Endpoint.parse(text, addressing).url_of("b", "a b/c") == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://oss.example",
        "https://oss.example/path",
        "https://user@oss.example",
        "https://oss.example:99999",
        "a b",
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint|[Pp]ort"):
        Endpoint.parse(text)
