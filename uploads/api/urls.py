"""Routes of the API, in the namespace `uploads`. `uploads.urls` has these and Companion's."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from uploads.api.callback import CallbackView
from uploads.api.credentials import CredentialsView
from uploads.api.csrf import CsrfView
from uploads.api.destinations import DestinationView
from uploads.api.open_uploads import OpenUploadsView
from uploads.api.uploads import UploadViewSet

router = SimpleRouter()
router.register("uploads", UploadViewSet, basename="upload")

app_name = "uploads"
urlpatterns = [
    path("", include(router.urls)),
    path("open-uploads/", OpenUploadsView.as_view(), name="open-uploads"),
    path("destinations/<str:name>/", DestinationView.as_view(), name="destination"),
    path("credentials/", CredentialsView.as_view(), name="credentials"),
    path("oss/callback/", CallbackView.as_view(), name="oss-callback"),
    path("csrf/", CsrfView.as_view(), name="csrf"),
]
