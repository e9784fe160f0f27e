"""The site under `make bench ONLY=site`, with a bare view of Django REST framework behind the same middleware.

gunicorn starts it instead of `uploads.site.wsgi`; every other view is the site's own.
"""

from typing import Any

from uploads.site.wsgi import application

__all__ = ["application"]

from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from uploads.models import Upload
from uploads.site import urls


class BareView(APIView):
    """The least that a view of an upload does: a login by token, JSON in, one row by its id, JSON out.

    It answers with a part as large as a signed one for each part that it gets, without looking at them.
    """

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    def post(self, request: Request, **_: Any) -> Response:
        upload = get_object_or_404(Upload, pk=request.data["id"], owner=request.user)
        return Response({"id": upload.pk, "state": upload.state, "parts": [ITEM] * len(request.data["parts"])})


ITEM = {
    "number": 1000, "method": "PUT", "url": "http://127.0.0.1:1/" + "x" * 420, "headers": {}, "size": 8 << 20,
    "expires_at": "2026-01-15T08:45:00Z",
}  # fmt: skip
urls.urlpatterns.insert(0, path("bare/", BareView.as_view()))
