from django.contrib import admin
from django.urls import include, path

from uploads.admin import UploadAdmin
from uploads.models import Upload

backoffice = admin.AdminSite(name="backoffice")
backoffice.register(Upload, UploadAdmin)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("backoffice/", backoffice.urls),
    path("files/", include("uploads.urls")),
]
