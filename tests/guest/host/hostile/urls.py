from typing import Any

from django.contrib import admin
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from uploads import services
from uploads.models import Upload


class Missing(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    versioning_class = None
    renderer_classes = (JSONRenderer,)

    def get(self, request: Any) -> Any:
        raise Http404

    def post(self, request: Any) -> Any:
        raise ZeroDivisionError


def finish(request: HttpRequest, pk: str) -> HttpResponse:
    """A view of the project, in the transaction of ATOMIC_REQUESTS, that completes an upload itself."""
    assert connection.in_atomic_block
    return HttpResponse(services.complete(Upload.objects.get(pk=pk)).state)


urlpatterns = [
    path("host/missing/", Missing.as_view()),
    path("host/finish/<uuid:pk>/", finish),
    path("admin/", admin.site.urls),
    path("files/", include("uploads.urls")),
    path("files/", include("uploads.api.schema")),
]
