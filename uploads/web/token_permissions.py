"""The permissions that the roles of a bearer token give: an entry of AUTHENTICATION_BACKENDS.

Django asks each backend whether a user has a permission. This one logs nobody in.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend


class TokenPermissions(BaseBackend):
    """The permissions of the token with which the request of this user came."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or obj is not None:
            return set()
        return set(getattr(user_obj, "token_permissions", ()))
