"""The manners of the API: batches, the same request twice, too many requests, the schema, what a call costs."""

import re
import threading
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from tests.services.test_services import at_once
from tests.stack import deliver
from uploads import services
from uploads.api import examples, part_fields
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.signing import OssRequest, PartRequest
from uploads.services import UploadRequest

pytestmark = pytest.mark.django_db

FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000, "content_type": "video/mp4"}
SMALL = {**FILE, "size": 5}


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


def post(api: APIClient, path: str, body: Any, **headers: str) -> Any:
    return api.post(f"/api/{path}", body, format="json", headers=headers)


# Batches


def test_a_batch_is_begun_sent_and_completed(api: APIClient, oss: OssClient) -> None:
    asked = [{**SMALL, "filename": f"{n}.txt", "content_type": "text/plain", "sign": 1} for n in range(100)]
    answer = post(api, "uploads/batch/", {"uploads": asked})
    assert answer.status_code == 207
    created = answer.json()["uploads"]
    assert [upload["filename"] for upload in created] == [upload["filename"] for upload in asked]
    for upload in created:
        assert [(part["number"], part["method"]) for part in upload["parts"]] == [(1, "POST")]
        assert deliver(upload["parts"][0], upload["filename"].encode()[:5].ljust(5)).status_code == 200
    ended = post(api, "uploads/batch/complete/", {"uploads": [{"id": upload["id"]} for upload in created]})
    assert ended.status_code == 207
    assert [upload["id"] for upload in ended.json()["uploads"]] == [upload["id"] for upload in created]
    assert {upload["state"] for upload in ended.json()["uploads"]} == {"completed"}
    assert oss.head(created[7]["bucket"], created[7]["key"]).size == 5
    again = post(api, "uploads/batch/complete/", {"uploads": [{"id": upload["id"]} for upload in created]})
    assert again.json() == ended.json()


def test_what_is_wrong_with_one_does_not_spoil_the_others(api: APIClient, place: Place, oss: OssClient) -> None:
    place(max_size=10_000_000)
    wrong = [{**SMALL, "size": "x"}, FILE, {**SMALL, "destination": "nowhere"}, {}]
    asked = [SMALL, *wrong, {**SMALL, "filename": "b"}, 1, None]
    results = post(api, "uploads/batch/", {"uploads": asked}).json()["uploads"]
    assert [result.get("code", result.get("state")) for result in results] == [
        "uploading", "invalid", "too_large", "invalid", "invalid", "uploading", "invalid", "invalid",
    ]  # fmt: skip
    assert set(results[1]["errors"]) == {"size"}
    assert set(results[4]["errors"]) == {"filename", "size"}
    assert results[2]["status"] == 413
    assert Upload.objects.count() == 2


def test_a_batch_of_completes_answers_each_by_itself(
    api: APIClient, begin: Begin, other_user: Any, oss: OssClient
) -> None:
    sent, unsent, large = begin(5), begin(5), begin(20_000_000)
    for part in services.sign_parts(sent, [PartRequest(1)]):
        deliver(part, b"hello")
    theirs = services.begin(other_user, UploadRequest("default", "x", 5))
    mismatch = begin(5)
    for part in services.sign_parts(mismatch, [PartRequest(1)]):
        deliver(part, b"hello")
    items = [
        {"id": str(sent.pk), "etag": '"5D41402ABC4B2A76B9719D911017C592"'},
        {"id": str(unsent.pk)},
        {"id": str(theirs.pk)},
        {"id": str(large.pk)},
        {"id": str(mismatch.pk), "crc64": "7"},
        7,
        {"id": "x"},
    ]
    results = post(api, "uploads/batch/complete/", {"uploads": items}).json()["uploads"]
    assert [result.get("code", result.get("state")) for result in results] == [
        "completed", "parts_missing", "not_found", "parts_missing", "object_mismatch", "invalid", "invalid",
    ]  # fmt: skip
    assert results[3]["errors"] == {"parts": [1, 2, 3]}


@pytest.mark.parametrize("body", [{}, {"uploads": []}, {"uploads": [SMALL] * 101}, {"uploads": "x"}])
def test_batches_have_their_limits(api: APIClient, body: Any) -> None:
    assert post(api, "uploads/batch/", body).status_code == 400
    assert post(api, "uploads/batch/complete/", body).status_code == 400


def test_a_storage_out_of_reach_is_told_for_each(api: APIClient, settings: Any, begin: Begin) -> None:
    upload = begin(5)
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    (result,) = post(api, "uploads/batch/complete/", {"uploads": [{"id": str(upload.pk)}]}).json()["uploads"]
    assert result["code"] == "storage_busy"
    results = post(api, "uploads/batch/", {"uploads": [FILE, SMALL]}).json()["uploads"]
    assert [result.get("code", result.get("state")) for result in results] == ["storage_busy", "uploading"]


# The same request twice


def test_a_key_begins_one_upload(api: APIClient, oss: OssClient) -> None:
    first = post(api, "uploads/", {**FILE, "sign": 2}, **{"Idempotency-Key": "k-1"})
    second = post(api, "uploads/", {**FILE, "sign": 2}, **{"Idempotency-Key": "k-1"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert [part["number"] for part in second.json()["parts"]] == [1, 2]
    other = post(api, "uploads/", FILE, **{"Idempotency-Key": "k-2"})
    assert other.json()["id"] != first.json()["id"]
    assert Upload.objects.count() == 2


def test_a_key_that_stood_for_another_upload_is_refused(api: APIClient, oss: OssClient) -> None:
    post(api, "uploads/", FILE, **{"Idempotency-Key": "k"})
    answer = post(api, "uploads/", {**FILE, "filename": "other.mp4"}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "changed",
    [{"content_type": "text/plain"}, {"metadata": {"a": "2"}}, {"fingerprint": "other"}, {"sign": 2}, {"resume": True}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_key_covers_the_whole_request(api: APIClient, place: Place, oss: OssClient, changed: Any) -> None:
    place(client_options=["metadata"])
    body = {**FILE, "metadata": {"a": "1"}, "fingerprint": "f"}
    post(api, "uploads/", body, **{"Idempotency-Key": "k"})
    answer = post(api, "uploads/", {**body, "fingerprint": "", **changed}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    batch = post(api, "uploads/batch/", {"uploads": [body]}, **{"Idempotency-Key": "k"})
    assert [result["code"] for result in batch.json()["uploads"]] == ["idempotency_key_reused"]
    assert Upload.objects.count() == 1


def test_a_key_of_an_aborted_upload_says_so(api: APIClient, oss: OssClient) -> None:
    created = post(api, "uploads/", FILE, **{"Idempotency-Key": "k"}).json()
    assert api.delete(f"/api/uploads/{created['id']}/").status_code == 204
    answer = post(api, "uploads/", FILE, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert "aborted" in answer.json()["detail"]
    assert post(api, "uploads/", FILE, **{"Idempotency-Key": "k2"}).status_code == 201


def test_a_key_is_its_users_own(api: APIClient, other_user: Any, oss: OssClient) -> None:
    mine = post(api, "uploads/", FILE, **{"Idempotency-Key": "k"}).json()["id"]
    api.force_authenticate(other_user)
    assert post(api, "uploads/", FILE, **{"Idempotency-Key": "k"}).json()["id"] != mine


@pytest.mark.parametrize("key", ["x" * 256, "a b", "ü"])
def test_keys_have_a_form(api: APIClient, key: str) -> None:
    answer = api.post("/api/uploads/", FILE, format="json", HTTP_IDEMPOTENCY_KEY=key)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"Idempotency-Key"})


def test_a_batch_with_a_key_begins_each_once(api: APIClient, oss: OssClient) -> None:
    body = {"uploads": [SMALL, FILE, SMALL]}
    first = post(api, "uploads/batch/", body, **{"Idempotency-Key": "k"}).json()["uploads"]
    second = post(api, "uploads/batch/", body, **{"Idempotency-Key": "k"}).json()["uploads"]
    assert [upload["id"] for upload in first] == [upload["id"] for upload in second]
    assert len({upload["id"] for upload in first}) == 3


@pytest.mark.django_db(transaction=True)
def test_the_same_request_at_once_begins_one_upload(user: Any, oss: OssClient) -> None:
    wanted, lock, seen = UploadRequest("default", "film.mp4", 20_000_000), threading.Lock(), []

    def begin() -> None:
        upload = services.begin(user, wanted, idempotency_key=services.IdempotencyKey("k", "of the request"))
        with lock:
            seen.append(upload)

    before = open_at_oss(oss)
    assert at_once(*[begin] * 6) == []
    assert len({upload.pk for upload in seen}) == 1
    (upload,) = Upload.objects.all()
    assert open_at_oss(oss) - before == {upload.upload_id}, "those that lost the race are not left at OSS"


def open_at_oss(oss: OssClient) -> set[str]:
    request = OssRequest("GET", "demo-bucket", query=[("uploads", ""), ("max-uploads", "1000")])
    listed = oss.call("ListMultipartUploads", request)
    assert "<IsTruncated>false" in listed.text
    return set(re.findall("<UploadId>(.*?)</UploadId>", listed.text))


# Too many


def test_too_many_requests_are_told_when_to_come_back(api: APIClient, settings: Any, oss: OssClient) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"create": "2/min"}}
    assert [post(api, "uploads/", SMALL).status_code for _ in range(3)] == [201, 201, 429]
    refused = post(api, "uploads/", SMALL)
    assert refused.json()["code"] == "throttled"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert api.get("/api/uploads/").status_code == 200, "each scope has a count of its own"
    assert post(api, "uploads/batch/", {"uploads": [SMALL]}).status_code == 207


def test_each_user_has_a_count_of_their_own(api: APIClient, settings: Any, other_user: Any, oss: OssClient) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"create": "1/min"}}
    assert [post(api, "uploads/", SMALL).status_code for _ in range(2)] == [201, 429]
    api.force_authenticate(other_user)
    assert post(api, "uploads/", SMALL).status_code == 201


@pytest.mark.parametrize("framework", [{}, {"NUM_PROXIES": None}, {"NUM_PROXIES": 0}])
def test_strangers_who_guess_passwords_are_slowed_by_address(
    settings: Any, user: Any, framework: dict[str, Any]
) -> None:
    """Whatever address they invent. A project that says nothing of proxies may have none."""
    settings.REST_FRAMEWORK = framework
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"token": "2/min"}}
    guesses = [
        APIClient().post(
            "/api/token/", {"username": "ann", "password": str(n)}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
        )
        for n in range(3)
    ]
    assert [guess.status_code for guess in guesses] == [400, 400, 429]


def test_an_empty_rate_lets_everything_through(api: APIClient, settings: Any, oss: OssClient) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"create": ""}}
    assert {post(api, "uploads/", SMALL).status_code for _ in range(5)} == {201}


# The schema


def test_the_examples_are_like_the_answers(api: APIClient, oss: OssClient, place: Place) -> None:
    created = post(api, "uploads/", examples.CREATE.value).json()
    assert list(created) == list(examples.CREATED.value)
    assert list(created["parts"][0]) == list(examples.CREATED.value["parts"][0])
    base = f"uploads/{created['id']}/"
    signed = post(api, f"{base}parts/sign/", examples.SIGN.value).json()
    assert list(signed) == list(examples.SIGNED.value)
    progress = post(api, f"{base}parts/", examples.CHECKPOINT.value).json()
    assert progress == examples.PROGRESS.value
    assert api.get(f"/api/{base}parts/").json() == examples.PARTS.value
    assert list(api.get(f"/api/{base}").json()) == list(examples.COMPLETED.value)
    batch = post(api, "uploads/batch/", examples.CREATE_BATCH.value)
    assert batch.status_code == 207
    problem = examples.BATCH.value["uploads"][1]
    place(max_size=problem["sizes"]["limit"])
    told = post(api, "uploads/", examples.CREATE.value).json()
    assert set(told) == set(problem)
    assert post(api, "uploads/batch/complete/", examples.COMPLETE_BATCH.value).status_code == 207


# What a call costs


def queries(call: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        answer = call()
    assert answer.status_code < 300, answer.content
    return len(seen)


def test_queries_do_not_grow_with_the_parts(api: APIClient, begin: Begin) -> None:
    """From 1 part to the 10,000 that an upload can have. SQLite takes 999 values a statement, PostgreSQL all."""
    costs: dict[int, list[int]] = {}
    for count in (3, 10_000):
        upload = begin(count * (8 << 20) if count == 3 else 10_000 * 5 * 2**30)
        assert upload.part_count == count
        base = f"/api/uploads/{upload.pk}/"
        size = upload.plan.size_of(1)
        one = [{"number": n, "etag": "AA", "size": size} for n in range(1, 4)]
        costs[count] = [
            queries(lambda base=base: api.get(base)),
            queries(lambda base=base: api.get("/api/uploads/")),
            queries(
                lambda base=base, one=one: api.post(
                    f"{base}parts/sign/", {"parts": [{"number": 1}], "done": one[:2]}, format="json"
                )
            ),
            queries(lambda base=base, one=one: api.post(f"{base}parts/", {"parts": one}, format="json")),
            queries(lambda base=base: api.get(f"{base}parts/")),
            queries(lambda base=base: api.delete(base)),
        ]
    assert costs[3] == costs[10_000]


def test_a_batch_of_a_hundred_is_begun_in_as_many_queries_as_one(api: APIClient, oss: OssClient, place: Place) -> None:
    place(max_active_per_user=1000)
    few = queries(lambda: post(api, "uploads/batch/", {"uploads": [SMALL]}, **{"Idempotency-Key": "a"}))
    many = queries(lambda: post(api, "uploads/batch/", {"uploads": [SMALL] * 100}, **{"Idempotency-Key": "b"}))
    # SQLite cuts a long insert into several.
    assert many == few if connection.vendor == "postgresql" else many <= few + 12


# The quick way and the long way


ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "number": st.sampled_from([1, 10_000, 0, 10_001, True, "1", 1.0, None, -1]),
        "size": st.sampled_from([0, 5, 5 * 2**30, 5 * 2**30 + 1, -1, None, "5", False]),
        "etag": st.sampled_from(["", "ab12", '"AB12"', "a b", None, 5, "x" * 65, "ü"]),
        "crc64": st.sampled_from(["", "0", "7", "007", str(2**64 - 1), str(2**64), None, 7, "-1", "x"]),
        "content_md5": st.sampled_from(["XUFAKrxLKna5cZ2REBfFkg==", "", None, "x", 5]),
        "other": st.just(1),
    },
)


@settings(max_examples=1000)
@given(ITEMS | st.sampled_from([None, 1, "x", []]))
def test_what_is_plainly_right_is_what_the_long_way_takes(item: Any) -> None:
    for serializer, fast in (
        (part_fields.DonePartSerializer, part_fields.fast_done_part),
        (part_fields.PartRequestSerializer, part_fields.fast_part_request),
    ):
        taken = fast(item)
        if taken is not None:
            judged = serializer(data=item)
            assert judged.is_valid(), judged.errors
            assert serializer.to_part(judged.validated_data) == taken
