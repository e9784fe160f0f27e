"""Temporary credentials: for the parts of one upload, or for the user's own prefix."""

from typing import Any

from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples, requests, responses
from uploads.domain.errors import WrongState
from uploads.models import Upload
from uploads.web import raised
from uploads.web.openapi import operation
from uploads.web.views import UploadsAPIView


class CredentialActions(viewsets.GenericViewSet[Upload]):
    """The action that issues credentials for one upload."""

    @operation(
        *raised.CREDENTIALS,
        WrongState,
        operation_id="uploads_credentials",
        request=None,
        responses=responses.CredentialsSerializer,
        examples=[examples.CREDENTIALS],
    )
    @action(detail=True, methods=["post"])
    def credentials(self, request: Request, **_: Any) -> Response:
        """Issue temporary credentials with which the client signs the parts of this upload itself.

        They allow nothing else. 409 if the site has no STS role or the upload is not a multipart upload in progress.
        """
        issued = services.issue_credentials(self.get_object(), request.user)
        return responses.credentials_response(issued)

    @operation(
        *raised.REGISTER,
        operation_id="uploads_register",
        request=requests.RegisterSerializer,
        responses={200: responses.UploadSerializer},
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=())
    def register(self, request: Request, **_: Any) -> Response:
        """Tell the backend of an object that the client stored by itself, with credentials for its own prefix.

        The object is checked against the destination's rules, and the answer is its upload, completed. If it breaks a
        rule it is removed, and the answer is the problem of that rule. Without this call the sweep finds the object.
        May be repeated; 404 if there is no such object under the caller's prefix.
        """
        body = requests.RegisterSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        upload = services.register(request.user, body.validated_data["destination"], body.validated_data["key"])
        return Response(responses.UploadSerializer(upload).data)


class CredentialsView(UploadsAPIView):
    """Credentials for clients that begin uploads at OSS themselves, such as ali-oss."""

    throttle_scope = "credentials"
    schema_tag = "credentials"

    @operation(
        *raised.CREDENTIALS,
        operation_id="uploads_prefix_credentials",
        request=requests.CredentialsRequestSerializer,
        responses=responses.CredentialsSerializer,
        examples=[examples.PREFIX_CREDENTIALS],
    )
    def post(self, request: Request) -> Response:
        """Issue temporary credentials for the caller's own prefix of a destination.

        They allow nothing else. 403 if the user may not upload to the destination, 409 if the site has no STS role or
        the destination's keys do not begin with a prefix of the user's own.
        """
        body = requests.CredentialsRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        issued = services.issue_prefix_credentials(request.user, body.validated_data["destination"])
        return responses.credentials_response(issued)
