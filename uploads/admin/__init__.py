"""Django's admin for uploads. Rule: an upload is changed by calling a service, never by saving a row."""

from uploads.admin.fields import UploadAdminMixin, upload_column, upload_link
from uploads.admin.orphans import OrphanAdmin
from uploads.admin.removals import ObjectRemovalAdmin
from uploads.admin.uploads import UploadAdmin
from uploads.admin.webhooks import WebhookDeliveryAdmin

__all__ = [
    "ObjectRemovalAdmin",
    "OrphanAdmin",
    "UploadAdmin",
    "UploadAdminMixin",
    "WebhookDeliveryAdmin",
    "upload_column",
    "upload_link",
]
