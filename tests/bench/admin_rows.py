"""The rows for the benchmark of the admin's pages, and for the test of their plans on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PARTS_OF_ONE = 100
TABLES = (
    "uploads_upload", "uploads_part", "uploads_uploadevent", "uploads_objectremoval", "uploads_orphan",
    "uploads_webhookdelivery", "django_admin_log",
)  # fmt: skip


@contextmanager
def without_indexes(cursor: Any) -> Iterator[None]:
    """Rows are inserted several times as fast when indexes are built afterwards, and references are not checked."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid::regclass::text = ANY(%s) AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)",
        [list(TABLES)],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("SET session_replication_role = replica")
    yield
    cursor.execute("SET session_replication_role = DEFAULT")
    for _, definition in indexes:
        cursor.execute(definition)


def fill(uploads: int) -> None:
    """Of 1,000 users and five destinations, begun in 60 days; a tenth unfinished, some of them with their parts.

    As many removals, orphans, deliveries of webhooks and entries of the administrators' log.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        with without_indexes(cursor):
            _insert(cursor, uploads)
            _insert_removals(cursor, uploads)
            _insert_orphans(cursor, uploads)
            _insert_deliveries(cursor, uploads)
            _insert_log(cursor, uploads)
        cursor.execute("VACUUM ANALYZE")


def _insert(cursor: Any, uploads: int) -> None:
    cursor.execute(
        "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, "
        "email, date_joined) SELECT 'user' || n, '', false, false, true, '', '', '', now() "
        "FROM generate_series(1, 1000) n"
    )
    cursor.execute("SELECT min(id) FROM auth_user WHERE username LIKE 'user%%'")
    (first,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO uploads_upload (id, owner_id, state, destination, bucket, key, upload_id, method, filename, "
        "relative_path, content_type, size, is_stream, part_size, fingerprint, metadata, options, secret, "
        "idempotency_key, request_hash, parts_done, bytes_done, created_at, updated_at, expires_at, released_at, "
        "etag, crc64, location, staging_key, final_key, stage, copy_id, error) "
        "SELECT gen_random_uuid(), %s + n %% 1000, (ARRAY['uploading', 'completed', 'completed', 'completed', "
        "'failed', 'completed', 'aborted', 'completed', 'completed', 'completed'])[1 + n %% 10], "
        "CASE WHEN n %% 100000 = 7 THEN 'rare' ELSE 'place' || n %% 7 %% 4 END, 'demo-bucket', "
        "'uploads/' || n %% 1000 || '/' || md5(n::text) || '/film-' || n || '.mp4', upper(md5('u' || n)), "
        "CASE WHEN n %% 3 = 0 THEN 'post' ELSE 'multipart' END, 'Film-' || n || '.mp4', '', 'video/mp4', "
        "20000000, false, 8388608, 'f' || n, '{}', '{}', '', '', '', 0, 0, t, t, now() + interval '7 days', "
        "CASE WHEN n %% 10 = 0 THEN NULL ELSE t END, '', '', '', '', '', '', '', "
        'CASE WHEN n %% 10 = 4 THEN \'{"code": "upload_gone", "detail": "x", "title": "y"}\'::jsonb END '
        "FROM (SELECT n, now() - n * interval '60 days' / %s AS t FROM generate_series(1, %s) n) numbers",
        [first, uploads, uploads],
    )
    cursor.execute(
        "INSERT INTO uploads_part (upload_id, number, etag, size, crc64, recorded_at) "
        "SELECT u.id, n, '5D41402ABC4B2A76B9719D911017C592', 8388608, '7', now() FROM "
        "(SELECT id FROM uploads_upload WHERE state = 'uploading' LIMIT %s) u, generate_series(1, %s) n",
        [uploads * 5 // PARTS_OF_ONE, PARTS_OF_ONE],
    )
    cursor.execute(
        "INSERT INTO uploads_uploadevent (upload_id, name, at, detail) "
        "SELECT id, 'begin', created_at, '{}' FROM uploads_upload"
    )


def _insert_removals(cursor: Any, removals: int) -> None:
    cursor.execute(
        "INSERT INTO uploads_objectremoval (id, upload, destination, bucket, key, upload_id, etag, owner, reason, "
        "requested_at, due_at, look_until, done_at, outcome, attempts) "
        "SELECT gen_random_uuid(), gen_random_uuid(), "
        "CASE WHEN n %% 100000 = 7 THEN 'rare' ELSE 'place' || n %% 4 END, "
        "'demo-bucket', '', '', '', '', CASE WHEN n %% 5 = 0 THEN 'owner' ELSE 'object' END, t, "
        "CASE WHEN n %% 1000 = 0 THEN t END, t, CASE WHEN n %% 1000 <> 0 THEN t END, 'removed', 0 "
        "FROM (SELECT n, now() - n * interval '60 days' / %s AS t FROM generate_series(1, %s) n) numbers",
        [removals, removals],
    )


def _insert_orphans(cursor: Any, orphans: int) -> None:
    cursor.execute(
        "INSERT INTO uploads_orphan (id, kind, destination, bucket, key, upload_id, bytes, began_at, seen_at, due_at, "
        "gone_at, attempts) "
        "SELECT gen_random_uuid(), CASE WHEN n %% 4 = 0 THEN 'object' ELSE 'multipart' END, "
        "CASE WHEN n %% 100000 = 7 THEN 'rare' ELSE 'place' || n %% 4 END, 'demo-bucket', "
        "'uploads/' || n %% 1000 || '/' || md5(n::text) || '/lost-' || n || '.mp4', upper(md5('o' || n)), 20000000, "
        "t, t, CASE WHEN n %% 1000 = 0 THEN t END, CASE WHEN n %% 1000 = 0 THEN t END, 0 "
        "FROM (SELECT n, now() - n * interval '60 days' / %s AS t FROM generate_series(1, %s) n) numbers",
        [orphans, orphans],
    )


def _insert_deliveries(cursor: Any, deliveries: int) -> None:
    cursor.execute(
        "INSERT INTO uploads_webhookdelivery (message_id, endpoint, upload, event, body, created_at, retried_since, "
        "due_at, ended_at, ending, attempts) "
        "SELECT 'msg_' || md5(n::text), CASE WHEN n %% 100000 = 7 THEN 'rare' ELSE 'shop' END, gen_random_uuid(), "
        "'upload.completed', '{}', t, t, CASE WHEN n %% 1000 = 0 THEN t END, CASE WHEN n %% 1000 <> 0 THEN t END, "
        "CASE WHEN n %% 1000 = 0 THEN '' WHEN n %% 1000 = 1 THEN 'dead' ELSE 'delivered' END, 0 "
        "FROM (SELECT n, now() - (%s - n) * interval '60 days' / %s AS t FROM generate_series(1, %s) n) numbers",
        [deliveries, deliveries, deliveries],
    )


def _insert_log(cursor: Any, entries: int) -> None:
    """Of one administrator; one in 100,000 is of another."""
    cursor.execute(
        "INSERT INTO django_content_type (app_label, model) VALUES ('uploads', 'upload'), ('auth', 'user') "
        "ON CONFLICT DO NOTHING"
    )
    cursor.execute(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, "
        "content_type_id, user_id) "
        "SELECT now() - (%s - n) * interval '60 days' / %s, gen_random_uuid()::text, 'Film', 2, 'Aborted.', "
        "(SELECT id FROM django_content_type WHERE app_label = 'uploads' AND model = 'upload'), "
        "CASE WHEN n %% 100000 = 7 THEN busy.id + 1 ELSE busy.id END FROM generate_series(1, %s) n, "
        "(SELECT min(id) AS id FROM auth_user WHERE username LIKE 'user%%') busy",
        [entries, entries, entries],
    )
