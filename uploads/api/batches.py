"""Many small uploads in one request: begin them, complete them."""

from rest_framework import exceptions, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples, requests, responses
from uploads.api.parts import created_upload
from uploads.domain.errors import UploadError
from uploads.models import Upload
from uploads.web import problems
from uploads.web.openapi import operation


class BatchActions(viewsets.GenericViewSet[Upload]):
    """The actions that concern up to 100 uploads at once."""

    @operation(
        operation_id="uploads_create_batch",
        request=requests.CreateBatchSerializer,
        parameters=[requests.IDEMPOTENCY_KEY],
        responses={207: responses.CreatedBatchSerializer},
        examples=[examples.CREATE_BATCH, examples.BATCH],
    )
    @action(detail=False, methods=["post"], url_path="batch", pagination_class=None, filter_backends=())
    def batch(self, request: Request) -> Response:
        """Begin up to 100 uploads.

        The answer has one result for each, in the same order: the upload, with its signed parts if `sign` was given,
        or a problem. One that is refused does not affect the others.
        """
        body = requests.CreateBatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        items = [requests.CreateUploadSerializer(data=item) for item in body.validated_data["uploads"]]
        valid = [item for item in items if item.is_valid()]
        requests.CreateBatchSerializer.require_few_parts(valid)
        begun = services.begin_many(
            request.user,
            [item.upload_request() for item in valid],
            idempotency_key=requests.idempotency_key(request),
        )
        results = dict(zip(map(id, valid), begun, strict=True))
        serializer = responses.UploadSerializer()

        def result_of(item: requests.CreateUploadSerializer) -> dict[str, object]:
            result = results.get(id(item))
            if result is None:
                return problems.problem(exceptions.ValidationError(item.errors))
            if isinstance(result, UploadError):
                return problems.problem(result)
            try:
                return created_upload(result, item.to_sign, serializer, request.user)
            except UploadError as error:
                return problems.problem(error)

        return responses.batch_response(map(result_of, items))

    @operation(
        operation_id="uploads_complete_batch",
        request=requests.CompleteBatchSerializer,
        responses={207: responses.CompletedBatchSerializer},
        examples=[examples.COMPLETE_BATCH, examples.BATCH],
    )
    @action(detail=False, methods=["post"], url_path="batch/complete", pagination_class=None, filter_backends=())
    def complete_batch(self, request: Request) -> Response:
        """Complete up to 100 uploads.

        The answer has one result for each, in the same order: the upload or a problem. May be repeated.
        """
        body = requests.CompleteBatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        items = [requests.FinishedUploadSerializer(data=item) for item in body.validated_data["uploads"]]
        wanted = {item.validated_data["id"]: item.validated_data for item in items if item.is_valid()}
        found = services.find(request.user, list(wanted))
        reports = [(found[pk], requests.FinishedUploadSerializer.to_report(wanted[pk])) for pk in wanted if pk in found]
        completed = services.complete_many(reports, actor=request.user)
        results = dict(zip((upload.pk for upload, _ in reports), completed, strict=True))
        serializer = responses.UploadSerializer()

        def result_of(item: requests.FinishedUploadSerializer) -> dict[str, object]:
            if item.errors:
                return problems.problem(exceptions.ValidationError(item.errors))
            result = results.get(item.validated_data["id"], problems.NOT_FOUND)
            return problems.problem(result) if isinstance(result, UploadError) else serializer.to_representation(result)

        return responses.batch_response(map(result_of, items))
