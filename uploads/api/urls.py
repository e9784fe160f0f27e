"""Routes of the API, in the namespace `uploads`. `uploads.urls` has these and Companion's."""

from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.routers import DefaultRouter

from uploads.api.callback import CallbackView
from uploads.api.credentials import CredentialsView
from uploads.api.csrf import CsrfView
from uploads.api.open_uploads import OpenUploadsView
from uploads.api.schema import SchemaView
from uploads.api.token import TokenView
from uploads.api.uploads import UploadViewSet

router = DefaultRouter()
router.include_root_view = False
router.register("uploads", UploadViewSet, basename="upload")

app_name = "uploads"
urlpatterns = [
    path("", include(router.urls)),
    path("open-uploads/", OpenUploadsView.as_view(), name="open-uploads"),
    path("credentials/", CredentialsView.as_view(), name="credentials"),
    path("oss/callback/", CallbackView.as_view(), name="oss-callback"),
    path("csrf/", CsrfView.as_view(), name="csrf"),
    path("token/", TokenView.as_view(), name="token"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="uploads:schema", schema=None), name="docs"),
]
