from cinema.views import films
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("", films, name="films"),
    path("login/", LoginView.as_view(template_name="login.html", next_page="/")),
    path("admin/", admin.site.urls),
    path("storage/", include("uploads.urls")),
]
