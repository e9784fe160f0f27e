"""`uppy/` issues Companion URLs; Companion's routes are below such a URL. `uploads.urls` has them and the API's."""

from django.urls import path

from uploads.companion import views

base = "uppy/<str:token>/"
urlpatterns = [
    path("uppy/", views.CompanionURLView.as_view(), name="uppy"),
    path(f"{base}s3/params", views.ParamsView.as_view()),
    path(f"{base}s3/multipart", views.MultipartView.as_view()),
    path(f"{base}s3/multipart/<str:upload_id>", views.UploadView.as_view()),
    path(f"{base}s3/multipart/<str:upload_id>/<int:number>", views.PartView.as_view()),
    path(f"{base}s3/multipart/<str:upload_id>/batch", views.BatchView.as_view()),
    path(f"{base}s3/multipart/<str:upload_id>/complete", views.CompleteView.as_view()),
    path("uppy/<str:token>", views.UnknownRouteView.as_view()),
    path(base, views.UnknownRouteView.as_view()),
    path(f"{base}<path:rest>", views.UnknownRouteView.as_view()),
]
