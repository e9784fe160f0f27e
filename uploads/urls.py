"""All routes of the app: the API, and Companion's routes for Uppy.

urlpatterns = [path("api/", include("uploads.urls"))]
"""

from django.urls import include, path

urlpatterns = [
    path("", include("uploads.api.urls")),
    path("", include("uploads.companion.urls")),
]
