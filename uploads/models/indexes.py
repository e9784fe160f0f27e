"""The indexes of uploads, and a kind of index that Django lacks.

Rule: each query of the API, the sweep and the admin that may meet a million rows has its index here.
"""

from typing import Any, cast

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement

from uploads.domain.states import State

PREFIX_CHARACTERS = 128
"""An index holds so much of a value: PostgreSQL allows 2,704 bytes in a row of an index, MySQL 3,072."""


class PrefixIndex(models.Index):
    """Finds values of one text column by their first characters, in any case (on MySQL in the same case)."""

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **options: Any
    ) -> Statement:
        """On SQLite an ordinary index."""
        statement = super().create_sql(model, schema_editor, using, **options)
        parts: dict[str, Any] = statement.parts
        field = cast("models.Field[Any, Any]", model._meta.get_field(self.fields[0]))
        column = schema_editor.quote_name(str(field.column))
        if schema_editor.connection.vendor == "postgresql":
            # What Django asks for: Left() and the lookup `istartswith`.
            parts["columns"] = f"UPPER(LEFT({column}, {PREFIX_CHARACTERS})::text) text_pattern_ops"
        elif schema_editor.connection.vendor == "mysql":
            parts["columns"] = f"{column}({PREFIX_CHARACTERS})"
        return statement


UNFINISHED = models.Q(state__in=[State.UPLOADING, State.COMPLETING])

UPLOAD_INDEXES = [
    models.Index(fields=["owner", "-created_at", "-id"], name="uploads_of_owner"),
    models.Index(fields=["-created_at", "-id"], name="uploads_newest"),
    models.Index(fields=["state", "-created_at", "-id"], name="uploads_of_state"),
    models.Index(fields=["destination", "-created_at", "-id"], name="uploads_of_destination"),
    models.Index(fields=["destination", "state", "updated_at"], name="uploads_retention"),
    PrefixIndex(fields=["filename"], name="uploads_filename"),
    PrefixIndex(fields=["key"], name="uploads_key"),
    models.Index(fields=["owner", "fingerprint"], name="uploads_of_fingerprint"),
    models.Index(fields=["expires_at"], name="uploads_unfinished", condition=UNFINISHED),
    models.Index(fields=["updated_at"], name="uploads_idle", condition=UNFINISHED),
    models.Index(
        fields=["credentials_until"], name="uploads_credentials", condition=models.Q(credentials_until__isnull=False)
    ),
    models.Index(fields=["upload_id"], name="uploads_at_oss", condition=~models.Q(upload_id="")),
    models.Index(fields=["copy_id"], name="uploads_copying", condition=~models.Q(copy_id="")),
    models.Index(
        fields=["updated_at"],
        name="uploads_unreleased",
        condition=models.Q(released_at=None, state__in=[State.ABORTED, State.FAILED]),
    ),
    models.Index(
        fields=["look_again_at"], name="uploads_to_look_at_again", condition=models.Q(look_again_at__isnull=False)
    ),
    models.Index(
        fields=["updated_at"],
        name="uploads_staged",
        condition=~models.Q(staging_key="") & models.Q(staging_removed_at=None),
    ),
]
