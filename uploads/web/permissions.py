"""Who may see and do what: an upload belongs to the user who made it.

Rule: for everybody else it does not exist (404), unless a permission lets them see or abort all.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin

from uploads.models import Upload, UploadQuerySet

VIEW_ALL = "uploads.view_upload"
ABORT_ALL = "uploads.abort_upload"


def visible_uploads(user: AbstractBaseUser | AnonymousUser) -> UploadQuerySet:
    """What this user may see."""
    return Upload.objects.all() if _staff_with(user, VIEW_ALL) else Upload.objects.for_user(user)


def abortable_uploads(user: AbstractBaseUser | AnonymousUser) -> UploadQuerySet:
    """What this user may abort."""
    return Upload.objects.all() if _staff_with(user, ABORT_ALL) else Upload.objects.for_user(user)


def _staff_with(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    return isinstance(user, PermissionsMixin) and getattr(user, "is_staff", False) and user.has_perm(permission)
