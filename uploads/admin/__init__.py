"""Django's admin over uploads: a window. Rule: it changes nothing but by calling services."""

from uploads.admin.uploads import UploadAdmin

__all__ = ["UploadAdmin"]
