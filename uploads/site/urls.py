"""The site: the upload page, login, admin, API."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView
from django.views.i18n import set_language

page = ensure_csrf_cookie(login_required(TemplateView.as_view(template_name="site/page.html")))

urlpatterns = [
    path("", page, name="page"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("api/", include("uploads.urls")),
    path("", include("uploads.operations.health")),
]
