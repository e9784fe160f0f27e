"""The pages that check a password: attempts are limited by account and by address, in words and with
429 and Retry-After.

These are the logins and the page of the admin where staff change their password, which asks for the old one.
"""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy

from uploads.web.logins import LoginsBusy, TooManyLogins, attempt


class _Limited(AuthenticationForm):
    """A login form that checks no password while there are too many attempts."""

    refusal: TooManyLogins | LoginsBusy | None = None

    def clean(self) -> dict[str, Any]:
        if self.request is None:
            return super().clean()
        try:
            with attempt(self.request, str(self.cleaned_data.get("username", ""))):
                return super().clean()
        except (TooManyLogins, LoginsBusy) as error:
            self.refusal = error
            raise ValidationError(str(error.detail)) from None


class LoginForm(_Limited):
    pass


class AdminLoginForm(_Limited, AdminAuthenticationForm):
    pass


class PasswordChangeForm(AdminPasswordChangeForm):
    """Whoever found a session open would otherwise guess here as often as they like."""

    refusal: TooManyLogins | LoginsBusy | None = None

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)

    def clean_old_password(self) -> str:
        try:
            with attempt(self.request, self.user.get_username()):
                return super().clean_old_password()
        except (TooManyLogins, LoginsBusy) as error:
            self.refusal = error
            raise ValidationError(str(error.detail)) from None


class PasswordChangeView(views.PasswordChangeView):
    """The admin's, which has no setting for its form."""

    form_class = PasswordChangeForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}


def limited(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, whose answer has the status and the Retry-After of a refusal of its form."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        form = (getattr(response, "context_data", None) or {}).get("form")
        refusal = getattr(form, "refusal", None)
        if refusal is not None:
            response.status_code = refusal.status_code
            response.headers["Retry-After"] = str(int(refusal.wait or 0) + 1)
        return response

    return answer


class LoginView(views.LoginView):
    authentication_form = LoginForm
    redirect_authenticated_user = True
