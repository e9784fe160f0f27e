"""All routes of the app: the API, and Companion's routes for Uppy. Their names are in the namespace `uploads`.

urlpatterns = [path("api/", include("uploads.urls"))]

A project may include them under any prefix, and under another instance namespace
(`include("uploads.urls", namespace="files")`): `reverse("uploads:upload-list")` finds them there as well. In a
project whose own API has a namespace, `UPLOADS["URL_NAMESPACE"]` names the whole path of namespaces.
"""

from uploads.api.urls import urlpatterns as api_routes
from uploads.companion.urls import urlpatterns as companion_routes

app_name = "uploads"
urlpatterns = [*api_routes, *companion_routes]
