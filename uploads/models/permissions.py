"""The names of the permissions for uploads. They begin with the app's label, which a project can change."""

from uploads.models.upload import Upload


def permission_name(action: str) -> str:
    """The permission to `view`, `abort`, `download` or `export` the uploads of all users: `uploads.abort_upload`."""
    return f"{Upload._meta.app_label}.{action}_{Upload._meta.model_name}"
