"""What clients report, in rows."""

from typing import Any

from django.db import models

from uploads.oss.storable import readable


class ReportField(models.JSONField):
    """A JSON object of which each value can be part of an answer, whatever an earlier version has stored."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        try:
            stored = super().from_db_value(value, expression, connection)
        except RecursionError:
            return None
        return {name: readable(each) for name, each in stored.items()} if isinstance(stored, dict) else stored

    def deconstruct(self) -> Any:
        """As the field that it is for the database: it needs no migration."""
        name, _, arguments, keywords = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, keywords
