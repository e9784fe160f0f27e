"""Every text of the backend has a Simplified Chinese translation with the same parameters."""

import string
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy
from rest_framework.test import APIClient

from tests import catalogue
from tests.services.test_services import send
from uploads import services
from uploads.domain import errors
from uploads.domain.errors import UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.states import Event
from uploads.forms import UploadField
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import Denied

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
TEXTS = {message.id: message for message in catalogue.read("zh_Hans") if message.id}


def test_every_text_is_translated_and_no_other_is_kept() -> None:
    assert set(TEXTS) == {text for text, _ in catalogue.found()}, "run: python -m tests.catalogue"
    assert [text for text, message in TEXTS.items() if not message.string or message.fuzzy] == []


def test_no_language_of_the_site_is_without_its_catalogue() -> None:
    codes = {translation.to_locale(code) for code, _ in django_settings.LANGUAGES}
    assert codes == {"en", *catalogue.LANGUAGES}


@pytest.mark.parametrize("text", TEXTS)
def test_translations_have_the_same_parameters(text: str) -> None:
    """Both have the same parameters; a surplus `%` would break the page that shows the text."""

    def parameters(line: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(line) if name is not None)

    translation_of_text = str(TEXTS[text].string)
    assert parameters(translation_of_text) == parameters(text)
    assert translation_of_text.count("%") == text.count("%")


def test_the_compiled_catalogue_is_current() -> None:
    assert catalogue.paths("zh_Hans")[1].read_bytes() == catalogue.compiled(catalogue.read("zh_Hans"))


def test_the_wheel_brings_the_translations(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    builder = WheelBuilder(str(catalogue.PACKAGE.parent))
    packed = {file.distribution_path for file in builder.recurse_included_files()}
    assert "uploads/locale/zh_Hans/LC_MESSAGES/django.mo" in packed


# Phrases


def test_a_phrase_is_an_english_string() -> None:
    inner = Phrase.joined([Phrase("{n} left", n=1), "raw"], "; ")
    assert Phrase("These: {inner}.", inner=inner) == "These: 1 left; raw."
    assert Phrase("a list of {PartNumber, ETag}.") == "a list of {PartNumber, ETag}."


def test_a_phrase_is_translated_with_the_phrases_in_it() -> None:
    words = {"{n} left": "剩 {n}", "These: {inner}.": "这些：{inner}。"}
    inner = Phrase.joined([Phrase("{n} left", n="{n}"), "raw"], "; ")
    phrase = Phrase("These: {inner}.", inner=inner)
    translated = phrase.translated(lambda text: words.get(text, text))
    assert translated == "这些：剩 {n}; raw。"
    assert Phrase.from_json(phrase.as_json()).translated(lambda text: words.get(text, text)) == translated


# The API


@pytest.fixture
def chinese(user: Any) -> APIClient:
    client = APIClient(headers=CHINESE)
    client.force_authenticate(user)
    return client


def test_a_problem_speaks_the_language_that_was_asked_for(chinese: APIClient, place: Any) -> None:
    place(max_size=10)
    answer = chinese.post("/api/uploads/", {"filename": "a.bin", "size": 11}, format="json")
    body = answer.json()
    assert (answer.status_code, body["code"], body["title"]) == (413, "too_large", "文件过大")
    assert body["detail"] == "上传目标“default”接受的文件最大为 10 字节，该文件为 11 字节。"
    assert body["errors"] == {"size": [body["detail"]]}
    assert answer["Content-Language"] == "zh-hans"
    assert "Accept-Language" in answer["Vary"]


def test_without_a_wish_a_problem_is_english(api: APIClient, place: Any) -> None:
    place(max_size=10)
    for headers in ({}, {"Accept-Language": "fr"}):
        body = api.post("/api/uploads/", {"filename": "a", "size": 11}, format="json", headers=headers).json()
        assert body["title"] == "The file is too large"
        assert body["detail"] == "The destination 'default' accepts files of at most 10 bytes; this one has 11 bytes."


def test_fields_are_told_in_chinese_under_their_own_names(chinese: APIClient) -> None:
    body = chinese.post("/api/uploads/", {"filename": "a", "size": -1, "content_type": "x"}, format="json").json()
    assert (body["title"], body["code"]) == ("请求有误", "invalid")
    assert body["errors"]["content_type"] == ["请输入媒体类型，例如 video/mp4。"]
    assert set(body["errors"]) == {"size", "content_type"}


def test_each_problem_of_a_batch_and_each_option_is_told_in_chinese(
    chinese: APIClient, place: Any, oss: OssClient
) -> None:
    place(client_options=["acl"])
    wanted = {"filename": "a", "size": 1, "options": {"acl": "mine", "cache_control": "x"}}
    (body,) = chinese.post("/api/uploads/batch/", {"uploads": [wanted]}, format="json").json()["uploads"]
    assert body["errors"]["options"]["acl"].startswith("须为以下之一：default, ")
    assert "cache_control：上传目标“default”不允许客户端设置此项" in body["detail"]


def test_why_an_upload_failed_is_told_in_the_readers_language(
    chinese: APIClient, api: APIClient, begin: Any, monkeypatch: Any
) -> None:
    upload = begin(5)
    send(upload)
    with pytest.raises(UploadError) as caught:
        services.complete(upload, services.ClientReport(crc64="1"))
    assert caught.value.code == "object_mismatch"
    english = api.get(f"/api/uploads/{upload.pk}/", headers={"Accept-Language": "en"}).json()["error"]
    assert english == {"code": "object_mismatch", "title": caught.value.title, "detail": caught.value.detail}
    told = chinese.get(f"/api/uploads/{upload.pk}/").json()["error"]
    assert (told["code"], told["title"]) == ("object_mismatch", "对象与发送的文件不一致")
    assert "文件的 CRC64 应为 1，OSS 上为 " in told["detail"]


def test_rows_of_before_are_told_as_well_as_may_be(chinese: APIClient, begin: Any) -> None:
    upload, old = begin(), {"code": "upload_gone", "title": "OSS no longer has this upload", "detail": "It is gone."}
    Upload.objects.advance(upload, Event.FAIL, error=old)
    told = chinese.get(f"/api/uploads/{upload.pk}/").json()["error"]
    assert told == {"code": "upload_gone", "title": "该上传在 OSS 上已不存在", "detail": "It is gone."}


def test_what_oss_said_stays_as_oss_said_it() -> None:
    error = Denied("You are forbidden.", status=403, code="SomethingNew", request_id="R1")
    ours = errors.from_storage(error)
    with translation.override("zh-hans"):
        assert ours.detail.translated(gettext) == "OSS 返回：You are forbidden."
    assert ours.oss == {"code": "SomethingNew", "request_id": "R1"}


def test_every_kind_of_error_has_a_chinese_title() -> None:
    for kind in errors.kinds_of_error():
        assert kind.title.template in TEXTS


def test_the_schema_stays_english(db: None) -> None:
    english, chinese = (Client(headers=headers).get("/api/schema/").content for headers in ({}, CHINESE))
    assert english == chinese
    assert b"OSS's name for the multipart upload." in english


# The pages


def test_the_pages_say_which_language_they_are_in(client: Client, user: Any) -> None:
    page = client.get("/accounts/login/", headers=CHINESE)
    assert '<html lang="zh-Hans" dir="ltr">' in page.content.decode()
    assert "用户名" in page.content.decode()
    assert page["Content-Language"] == "zh-hans"
    assert '<html lang="en" dir="ltr">' in client.get("/accounts/login/").content.decode()
    client.force_login(user)
    assert "<h1>上传文件</h1>" in client.get("/", headers=CHINESE).content.decode()


def test_a_language_that_reads_from_the_right_turns_the_page() -> None:
    with translation.override("ar"):
        page = render_to_string("site/base.html", request=RequestFactory().get("/"))
    assert '<html lang="ar" dir="rtl">' in page


def test_a_choice_of_language_is_kept_also_before_a_login(client: Client) -> None:
    page = client.get("/accounts/login/?next=/")
    assert '<button class="link" name="language" value="zh-hans" lang="zh-Hans">简体中文</button>' in (
        page.content.decode()
    )
    answer = client.post("/language/", {"language": "zh-hans", "next": "/accounts/login/?next=/"})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/")
    assert client.cookies["django_language"]["samesite"] == "Lax"
    chosen = client.get("/accounts/login/", headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="zh-Hans"' in chosen
    assert ">English</button>" in chosen
    away = client.post("/language/", {"language": "en", "next": "https://elsewhere.example/"})
    assert away["Location"] == "/", "nobody is led off the site"


def test_the_admin_is_chinese(db: None, begin: Any) -> None:
    client = Client(headers=CHINESE)
    client.force_login(get_user_model().objects.create_superuser("root"))
    upload = begin()
    services.abort(upload)
    base = "/admin/uploads/upload/"
    pages = {path: client.get(base + path).content.decode() for path in ("", f"{upload.pk}/change/", "statistics/")}
    for words in ("文件名", "上传目标", 'up-aborted">已中止<', "中止所选的上传", "一小时内无进展"):
        assert words in pages[""]
    for words in ("OSS 信息", "<strong>开始</strong>", "<strong>中止</strong>", "操作人：系统", "分片大小"):
        assert words in pages[f"{upload.pk}/change/"]
    for words in ("每日上传数", "没有失败的上传。", "停滞超过一小时"):
        assert words in pages["statistics/"]


def test_the_form_field_refuses_in_chinese() -> None:
    with translation.override("zh-hans"):
        message = UploadField().error_messages["unfinished"]
        assert isinstance(message, type(gettext_lazy("")))
        assert str(message).startswith("文件尚未上传完成")
