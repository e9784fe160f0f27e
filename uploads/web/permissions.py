"""Who may see, download and abort which uploads.

Rule: an upload belongs to the user who began it. For others it does not exist (404), unless they are staff with a
permission.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from uploads.models import Upload, UploadQuerySet, permission_name


def visible_uploads(user: AbstractBaseUser | AnonymousUser) -> UploadQuerySet:
    """The uploads that this user may see."""
    return Upload.objects.all() if _is_staff_with(user, "view") else Upload.objects.for_user(user)


def downloadable_uploads(user: AbstractBaseUser | AnonymousUser) -> UploadQuerySet:
    """The uploads whose objects this user may read: the own ones; all for staff who may view and download."""
    may_all = _is_staff_with(user, "view") and _is_staff_with(user, "download")
    return Upload.objects.all() if may_all else Upload.objects.for_user(user)


def abortable_uploads(user: AbstractBaseUser | AnonymousUser) -> UploadQuerySet:
    """The uploads that this user may abort."""
    return Upload.objects.all() if _is_staff_with(user, "abort") else Upload.objects.for_user(user)


def may_delete(user: AbstractBaseUser | AnonymousUser, upload: Upload) -> bool:
    """Whether this user may delete this upload once it is completed: the owner, or staff with the permission."""
    is_owner = upload.owner_id is not None and upload.owner_id == user.pk
    return is_owner or _is_staff_with(user, "delete")


class MayViewAll(BasePermission):
    """Staff with the permission to see the uploads of all users."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return _is_staff_with(request.user, "view")


def _is_staff_with(user: AbstractBaseUser | AnonymousUser, action: str) -> bool:
    if not isinstance(user, PermissionsMixin) or not getattr(user, "is_staff", False):
        return False
    return user.has_perm(permission_name(action))
