"""The site: the upload page, login, admin, API."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView
from django.views.i18n import set_language

from uploads.api.token import TokenView
from uploads.site.accounts import keep_tokens_from_staff
from uploads.site.login import AdminLoginForm, LoginView, PasswordChangeView, limited


def no_page_on_site(request: HttpRequest, **_: str) -> HttpResponse:
    """No model has a page outside of the admin. Django's own view answers 500 to an id that is no UUID."""
    raise Http404


page = ensure_csrf_cookie(login_required(TemplateView.as_view(template_name="site/page.html")))

admin.site.login_form = AdminLoginForm
keep_tokens_from_staff(admin.site)  # Before the URLs below are made.

handler400 = "uploads.site.errors.bad_request"
handler403 = "uploads.site.errors.permission_denied"
handler404 = "uploads.site.errors.page_not_found"
handler500 = "uploads.site.errors.server_error"

urlpatterns = [
    path("", page, name="page"),
    path("accounts/login/", limited(LoginView.as_view()), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="set_language"),
    path("admin/login/", limited(admin.site.login)),
    path("admin/password_change/", limited(admin.site.admin_view(PasswordChangeView.as_view(), cacheable=True))),
    path("admin/r/<path:content_type_id>/<path:object_id>/", no_page_on_site),
    path("admin/", admin.site.urls),
    path("api/", include("uploads.urls")),
    path("api/", include("uploads.api.schema")),
    path("api/token/", TokenView.as_view(), name="token"),
    path("", include("uploads.operations.health")),
]
