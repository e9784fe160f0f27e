"""All statements, by topic. A module holds the statements of one chapter of the manual."""

from tests.live.statement import Statement
from tests.live.topics import (
    abort,
    access,
    callbacks,
    completing,
    conditions,
    copies,
    cors,
    forms,
    keys,
    lifecycle,
    listing_objects,
    listing_parts,
    listing_uploads,
    objects,
    parts,
    sts,
    tagging,
    v1,
    v4_headers,
    v4_urls,
)

MODULES = (
    v4_headers, v4_urls, v1, keys, objects, conditions, parts, listing_parts, completing, abort, listing_uploads,
    copies, listing_objects, tagging, access, forms, callbacks, sts, cors, lifecycle,
)  # fmt: skip
STATEMENTS: tuple[Statement, ...] = tuple(statement for module in MODULES for statement in module.TOPIC.statements)
