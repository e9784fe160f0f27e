"""Migration operations that build an index while others write to the table.

Rule: an index is built outside of a transaction, so each operation can be repeated after a migration that was broken
off. Django's own operations for this need psycopg, and work on PostgreSQL only.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class AddIndexConcurrently(AddIndex):
    """AddIndex; on PostgreSQL with CREATE INDEX CONCURRENTLY. The migration needs `atomic = False`.

    Manual: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if _is_to_build(self, schema_editor, model, self.index.name):
            options = {"concurrently": True} if _is_postgresql(schema_editor) else {}
            schema_editor.add_index(model, self.index, **options)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            options = {"concurrently": True} if _is_postgresql(schema_editor) else {}
            schema_editor.remove_index(model, self.index, **options)


class BuildIndex(AddIndexConcurrently):
    """Builds an index that an earlier migration has only planned (`PlanIndex`), or has built already."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass


class PlanIndex(AddIndex):
    """AddIndex without the index. `BuildIndex` builds it in a later migration, outside of a transaction."""

    def database_forwards(self, *_: Any) -> None:
        pass

    def database_backwards(self, *_: Any) -> None:
        pass


class PlanUnique(AddConstraint):
    """AddConstraint without the constraint. `BuildUnique` adds it."""

    def database_forwards(self, *_: Any) -> None:
        pass

    def database_backwards(self, *_: Any) -> None:
        pass


class BuildUnique(AddConstraint):
    """Adds a unique constraint with a condition, which is an index in PostgreSQL, as `BuildIndex` does."""

    atomic = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if _is_to_build(self, schema_editor, model, self.constraint.name):
            if _is_postgresql(schema_editor):
                statement = str(self.constraint.create_sql(model, schema_editor))
                schema_editor.execute(statement.replace("UNIQUE INDEX", "UNIQUE INDEX CONCURRENTLY", 1), params=None)
            else:
                schema_editor.add_constraint(model, self.constraint)


def _is_postgresql(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return schema_editor.connection.vendor == "postgresql"


def _is_to_build(operation: Operation, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> bool:
    alias = schema_editor.connection.alias
    return operation.allow_migrate_model(alias, model) and _is_missing(schema_editor, model, name)


def _is_missing(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> bool:
    """Whether the index must be built. PostgreSQL leaves an invalid one when a build fails; it is dropped."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # Django's introspection parses the table's SQL, which takes long.
            cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s", [name])
            return cursor.fetchone() is None
        if name not in connection.introspection.get_constraints(cursor, model._meta.db_table):
            return True
        if not _is_postgresql(schema_editor):
            return False
        quoted = schema_editor.quote_name(name)
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [quoted])
        (is_valid,) = cursor.fetchone()
        if not is_valid:
            cursor.execute(f"DROP INDEX CONCURRENTLY {quoted}")
        return not is_valid
