"""The login pages: attempts are limited by account and by address, in words and with 429 and Retry-After."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

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


def limited(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The login view, whose answer has the status and the Retry-After of a refusal of its form."""

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
