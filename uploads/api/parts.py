"""Parts of an upload: signing them, recording them as done, listing them."""

from typing import Any

from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples, requests, responses
from uploads.domain.states import State
from uploads.models import Upload, User
from uploads.oss.signing import PartRequest
from uploads.web import raised
from uploads.web.openapi import operation


class PartsQuerySerializer(serializers.Serializer[Any]):
    """Which parts are listed."""

    source = serializers.ChoiceField(  # type: ignore[assignment]  # `Field.source` is another thing.
        choices=["oss"], required=False, help_text="`oss`: list the parts at OSS, and correct the record by them."
    )


class PartActions(viewsets.GenericViewSet[Upload]):
    """The actions of an upload that concern its parts."""

    @operation(
        *raised.SIGN,
        operation_id="uploads_sign_parts",
        request=requests.SignRequestSerializer,
        responses=responses.SignedPartsSerializer,
        examples=[examples.SIGN, examples.SIGNED],
    )
    @action(detail=True, methods=["post"], url_path="parts/sign")
    def sign(self, request: Request, **_: Any) -> Response:
        """Sign up to 1,000 parts, and record the parts in `done`, sent since the last call, as a checkpoint.

        Send each part exactly as its entry says, before `expires_at`. Its `size` and a given `content_md5` are bound
        into the signature. A part of a stream is signed for the most bytes that it may have; ask again with `size` for
        a shorter one, such as the last. 400 for a part outside the plan and for `crc64` of a stream, 409 if the upload
        is not `uploading`, 413 if a stream would be larger than the destination allows.
        """
        upload = self.get_object()
        body = requests.SignRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.record_parts(upload, body.finished())
        services.record_checksum(upload, body.file_crc64)
        if body.is_refused:
            services.renew_refused(upload, request.user)
        return Response({**signed_parts(upload, body.requested(), request.user), **progress(upload)})

    @operation(
        *raised.COMPLETE,
        operation_id="uploads_list_parts",
        methods=["GET"],
        parameters=[PartsQuerySerializer],
        responses=responses.HeldPartsSerializer,
        examples=[examples.PARTS],
    )
    @operation(
        operation_id="uploads_record_parts",
        methods=["POST"],
        request=requests.CheckpointSerializer,
        responses=responses.ProgressSerializer,
        examples=[examples.CHECKPOINT, examples.PROGRESS],
    )
    @action(detail=True, methods=["get", "post"], url_path="parts", pagination_class=None, filter_backends=())
    def parts(self, request: Request, **_: Any) -> Response:
        """GET lists the recorded parts, or with `source=oss` the parts that OSS holds. POST records a checkpoint.

        A checkpoint holds up to 1,000 parts in any order and may be repeated; a part that is sent again replaces the
        recorded one. Parts of an upload that has ended are ignored.
        """
        upload = self.get_object()
        if request.method == "POST":
            body = requests.CheckpointSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            services.record_parts(upload, body.done())
            return Response(progress(upload))
        query = PartsQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        held = services.synchronize_parts(upload) if "source" in query.validated_data else upload.parts.all()
        return Response(responses.HeldPartsSerializer({"parts": held}).data)


def progress(upload: Upload) -> dict[str, Any]:
    """What is recorded of the upload's parts; sizes in bytes."""
    return {"parts_done": upload.parts_done, "bytes_done": upload.bytes_done}


def signed_parts(upload: Upload, parts: list[PartRequest], user: User) -> dict[str, Any]:
    """The signed parts, and the time of signing. Both times are OSS's, which the browser compares."""
    now = services.oss_now(upload)
    signed = services.sign_parts(upload, parts, user=user, now=now)
    return {"parts": responses.signed_parts(signed), "server_time": now}


def created_upload(upload: Upload, to_sign: int, serializer: responses.UploadSerializer, user: User) -> dict[str, Any]:
    """The answer to a request that begins an upload: the upload, with its first `to_sign` parts signed.

    An Idempotency-Key can return an upload that is no longer `uploading`; then nothing is signed. The uploads of a
    batch share one serializer, because making its fields takes longer than filling them.
    """
    body: dict[str, Any] = serializer.to_representation(upload)
    if to_sign and upload.state == State.UPLOADING:
        last = min(to_sign, upload.part_count or to_sign)
        body |= signed_parts(upload, [PartRequest(number) for number in range(1, last + 1)], user)
    return body
