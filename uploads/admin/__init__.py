"""Django's admin for uploads. Rule: read-only; an upload is changed by calling a service, never by saving a row."""

from uploads.admin.uploads import UploadAdmin

__all__ = ["UploadAdmin"]
