"""What versioning, retention and overwrite protection mean for a request (OSS manual: "Versioning", "Retention
policies", "PutObject").

Rule: the store decides within its transaction. Here its rules are made, and its errors become refusals.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import headers
from uploads.localoss.operations.bucket_overwrite import is_protected
from uploads.localoss.operations.context import Context
from uploads.localoss.store.rows import StoredObject
from uploads.localoss.store.versions import DELETE_MARKER, ObjectRetained, Rules, rules_of

NULL = "null"
_HEADER, _SOURCE = "x-oss-version-id", "x-oss-copy-source-version-id"
_MARKER = "x-oss-delete-marker"


def write_rules(context: Context, key: str, sent: Mapping[str, str]) -> Rules:
    """The rules for writing an object. With versioning, enabled or suspended, x-oss-forbid-overwrite does not matter
    (OSS manual: "PutObject"). Whether the bucket's overwrite protection does is unknown; here it does not either."""
    forbids = headers.forbids_overwrite(sent) or is_protected(context, key)
    return rules_of(context.bucket, context.milliseconds, overwrite=not forbids)


def delete_rules(context: Context) -> Rules:
    """The rules for deleting an object. Overwrite protection does not prevent it."""
    return rules_of(context.bucket, context.milliseconds)


@contextmanager
def refusals(key: str, ec: str | None = None) -> Iterator[None]:
    """Refusal (FileAlreadyExists, with `ec`, or FileImmutable) where the store raises."""
    try:
        yield
    except FileExistsError as error:
        raise Refusal("FileAlreadyExists", {"Key": key}, ec=ec) from error
    except ObjectRetained as error:
        raise Refusal("FileImmutable", {"Key": key}) from error


def check_writable(context: Context, key: str, rules: Rules) -> None:
    """Refusal if an object has the key and may not be replaced. The store checks it again when it writes."""
    if rules.versioning:
        return
    present = context.store.objects.get(context.bucket.name, key)
    if present is None:
        return
    with refusals(key):
        if not rules.overwrite:
            raise FileExistsError
        rules.check_retention(present)


def new_version(context: Context) -> str:
    """The version of a new object."""
    return delete_rules(context).new_version()


def version_header(context: Context, stored: StoredObject) -> dict[str, str]:
    """The header x-oss-version-id, which responses of versioned buckets have."""
    return {_HEADER: stored.version or NULL} if context.bucket.settings.versioning else {}


def source_header(context: Context, source: StoredObject) -> dict[str, str]:
    """The header x-oss-copy-source-version-id, where the bucket of the source has versions."""
    bucket = context.store.buckets.get(source.bucket)
    return {_SOURCE: source.version or NULL} if bucket and bucket.settings.versioning else {}


def requested_version(context: Context) -> str | None:
    """The parameter versionId as the store has it; None without one. A bucket that never was versioned has the version
    "null" of each object too."""
    text = context.request.parameters.get("versionId")
    return None if text is None else parse("versionId", text, text)


def parse(name: str, value: str, version: str) -> str:
    """The version of a version id: "" for "null". Refusal (InvalidArgument for `name` and `value`) for a text that
    cannot be an id; which error OSS has for it is unknown."""
    if version == NULL:
        return ""
    if not (version.isascii() and version.isalnum() and version.startswith("CAEQ")):
        raise invalid_argument(name, value, "Invalid version id specified.")
    return version


def existing_object(context: Context) -> StoredObject:
    """The object or the version that the request names. Refusal as with `missing`."""
    key, version = context.request.checked_key(), requested_version(context)
    stored = context.store.objects.get(context.bucket.name, key, version)
    if stored is None or stored.kind == DELETE_MARKER:
        raise missing(context, key, version)
    return stored


def missing(context: Context, key: str, version: str | None) -> Refusal:
    """The error for an object that does not exist: NoSuchKey, NoSuchVersion, or MethodNotAllowed for the version of a
    delete marker (OSS manual: "GetObject")."""
    store, name = context.store.objects, context.bucket.name
    if version is None:
        marker = store.marker(name, key)
        return Refusal("NoSuchKey", {"Key": key}, headers=_marker_headers(marker) if marker else None)
    found = store.get(name, key, version)
    if found is None:
        shown = {"Key": key, "VersionId": version or NULL}
        return Refusal("NoSuchVersion", shown) if version else Refusal("NoSuchKey", {"Key": key})
    fields = {"Method": context.request.method, "ResourceType": DELETE_MARKER}
    return Refusal("MethodNotAllowed", fields, headers={**_marker_headers(found), "Allow": "DELETE"})


def _marker_headers(marker: StoredObject) -> dict[str, str]:
    return {_HEADER: marker.version or NULL, _MARKER: "true"}


def delete(context: Context, key: str, version: str | None) -> tuple[StoredObject | None, dict[str, str]]:
    """Delete an object or a version. Returns the delete marker that was added or deleted, if any, and the headers of
    the response (OSS manual: "DeleteObject")."""
    store, name, rules = context.store.objects, context.bucket.name, delete_rules(context)
    with refusals(key):
        if version is not None:
            gone = store.delete_version(name, key, version, rules)
            marker = gone if gone is not None and gone.kind == DELETE_MARKER else None
            shown = {_HEADER: version or NULL} if context.bucket.settings.versioning else {}
            return marker, {**shown, **({_MARKER: "true"} if marker else {})}
        marker = store.delete(name, key, rules, context.milliseconds)
    return marker, _marker_headers(marker) if marker else {}
