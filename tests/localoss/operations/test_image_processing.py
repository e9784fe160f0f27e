"""Thumbnails by x-oss-process, which is signed like any parameter."""

import io
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.localoss.support import Wire, refused
from uploads.localoss.testing import LocalServer


def picture(size: tuple[int, int] = (400, 200), kind: str = "JPEG", mode: str = "RGB") -> bytes:
    output = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(output, kind)
    return output.getvalue()


def processed(wire: Wire, actions: str, key: str = "film.jpg") -> httpx.Response:
    return wire.target("GET", wire.presigned("GET", key, [("x-oss-process", actions)]), {})


def size_of(answer: httpx.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content)).size


@pytest.mark.parametrize(
    ("actions", "size"),
    [
        ("image/resize,w_100", (100, 50)),
        ("image/resize,h_100", (200, 100)),
        ("image/resize,w_100,h_100", (100, 50)),
        ("image/resize,m_mfit,w_100,h_100", (200, 100)),
        ("image/resize,m_fill,w_100,h_100", (100, 100)),
        ("image/resize,m_pad,w_100,h_100,color_000000", (100, 100)),
        ("image/resize,m_fixed,w_100,h_100", (100, 100)),
        ("image/resize,l_100", (100, 50)),
        ("image/resize,s_100", (200, 100)),
        ("image/resize,p_50", (200, 100)),
        ("image/resize,w_800", (400, 200)),
        ("image/resize,w_800,limit_0", (800, 400)),
        ("image/crop,w_100,h_60,g_center", (100, 60)),
        ("image/crop,x_350,y_150", (50, 50)),
        ("image/rotate,90", (200, 400)),
        ("image/auto-orient,1/resize,w_100/quality,q_50", (100, 50)),
    ],
)
def test_an_image_gets_another_size(wire: Wire, actions: str, size: tuple[int, int]) -> None:
    wire.put("film.jpg", picture())
    answer = processed(wire, actions)
    assert size_of(answer) == size
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize(("name", "kind"), [("png", "PNG"), ("webp", "WEBP"), ("gif", "GIF"), ("jpg", "JPEG")])
def test_an_image_gets_another_format(wire: Wire, name: str, kind: str) -> None:
    wire.put("film.jpg", picture(kind="PNG", mode="P"))
    answer = processed(wire, f"image/resize,w_100/format,{name}")
    assert (Image.open(io.BytesIO(answer.content)).format, size_of(answer)) == (kind, (100, 50))
    assert answer.headers["Content-Type"] == Image.MIME[kind]


def test_an_image_is_described(wire: Wire) -> None:
    content = picture()
    wire.put("film.jpg", content)
    assert processed(wire, "image/info").json() == {
        "FileSize": {"value": str(len(content))},
        "Format": {"value": "jpg"},
        "ImageHeight": {"value": "200"},
        "ImageWidth": {"value": "400"},
    }


def test_the_parameter_is_signed(wire: Wire) -> None:
    wire.put("film.jpg", picture())
    target = wire.presigned("GET", "film.jpg", [("x-oss-process", "image/resize,w_100")])
    assert size_of(wire.target("GET", target, {})) == (100, 50)
    refused(wire.target("GET", target.replace("w_100", "w_200"), {}), 403, "SignatureDoesNotMatch")
    plain = wire.presigned("GET", "film.jpg")
    refused(wire.target("GET", f"{plain}&x-oss-process=image%2Fresize%2Cw_100", {}), 403, "SignatureDoesNotMatch")
    wire.call("PUT", "film.jpg", [("acl", "")], {"x-oss-object-acl": "public-read"})
    open_to_all = wire.call("GET", "film.jpg", [("x-oss-process", "image/resize,w_100")], signed=False)
    assert size_of(open_to_all) == (100, 50)


@pytest.mark.parametrize(
    "actions",
    ["image/resize", "image/resize,w_0", "image/resize,w_16385,limit_0", "image/resize,m_none,w_1", "image/format,exe",
     "image/rotate,361", "image/crop,x_400,y_0", "image/resize,w_x", "image/quality,q_101"],
)  # fmt: skip
def test_actions_that_are_not_valid_are_refused(wire: Wire, actions: str) -> None:
    wire.put("film.jpg", picture())
    refused(processed(wire, actions), 400, "InvalidArgument")


def test_only_images_are_processed(wire: Wire) -> None:
    wire.put("film.jpg", b"no image")
    refused(processed(wire, "image/resize,w_100"), 400, "InvalidArgument")
    wire.put("film.jpg", picture()[:100])
    refused(processed(wire, "image/resize,w_100"), 400, "InvalidArgument")
    refused(processed(wire, "image/resize,w_100", "never"), 404, "NoSuchKey")
    wire.put("film.jpg", picture())
    for actions in ("image/blur,r_3,s_2", "video/snapshot,t_1000", "style/small"):
        refused(processed(wire, actions), 501, "NotImplemented")


class WithoutPillow(LocalServer):
    """A server where Pillow is not installed."""

    def command(self) -> list[str]:
        python = super().command()[0]
        code = "import sys; sys.modules['PIL'] = None; from uploads.localoss.arguments import main; main(sys.argv[1:])"
        return [python, "-c", code, *super().command()[3:]]


def test_without_pillow_the_server_says_what_is_missing(tmp_path: Path) -> None:
    with WithoutPillow(tmp_path) as server, Wire(server, server.bucket) as wire:
        wire.put("film.jpg", picture())
        refusal = refused(processed(wire, "image/resize,w_100"), 501, "NotImplemented")
        assert "pip install 'oss-uploads[localoss]'" in (refusal.findtext("Message") or "")
        assert wire.call("GET", "film.jpg").content == picture()
