"""The tags of an object.

Rule: tags are stored as the header x-oss-tagging has them, `k=v&k2=v2`.
"""

from dataclasses import replace
from urllib.parse import parse_qsl, quote

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.operations import headers, versions
from uploads.localoss.operations.context import Context
from uploads.localoss.store.rows import StoredObject

MAX_XML = 64 * 1024


def get_object_tagging(context: Context) -> Answer:
    """OSS manual: "GetObjectTagging"."""
    stored = versions.existing_object(context)
    tags = parse_qsl(stored.headers.get(headers.TAGGING, ""), keep_blank_values=True)
    found: list[markup.Node] = [("Tag", [("Key", name), ("Value", value)]) for name, value in tags]
    return xml("Tagging", [("TagSet", found)], versions.version_header(context, stored))


def put_object_tagging(context: Context) -> Answer:
    """OSS manual: "PutObjectTagging". The tags replace the previous ones."""
    document = markup.parse(context.request.body.whole(MAX_XML), "Tagging")
    pairs = [(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in document.iterfind("TagSet/Tag")]
    tagging = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    if tagging:
        headers.check_tags(tagging)
    return Answer(headers=_set(context, tagging))


def delete_object_tagging(context: Context) -> Answer:
    """OSS manual: "DeleteObjectTagging"."""
    return Answer(204, headers=_set(context, ""))


def _set(context: Context, tagging: str) -> dict[str, str]:
    """Set the tags of the object. Returns the header that names its version."""
    key, version = context.request.checked_key(), versions.requested_version(context)
    kept = {headers.TAGGING: tagging} if tagging else {}
    shown: dict[str, str] = {}

    def change(stored: StoredObject) -> StoredObject:
        shown.update(versions.version_header(context, stored))
        return replace(stored, headers={**headers.without_tags(stored.headers), **kept})

    if not context.store.objects.update(context.bucket.name, key, change, version):
        raise versions.missing(context, key, version)
    return shown
