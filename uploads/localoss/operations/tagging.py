"""The tags of an object.

Rule: tags are stored as the header x-oss-tagging has them, `k=v&k2=v2`.
"""

from dataclasses import replace
from urllib.parse import parse_qsl, quote

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.operations import headers, versions
from uploads.localoss.operations.context import Context

MAX_XML = 64 * 1024


def get_object_tagging(context: Context) -> Answer:
    """OSS manual: "GetObjectTagging"."""
    tags = parse_qsl(versions.existing_object(context).headers.get(headers.TAGGING, ""), keep_blank_values=True)
    found: list[markup.Node] = [("Tag", [("Key", name), ("Value", value)]) for name, value in tags]
    return xml("Tagging", [("TagSet", found)])


def put_object_tagging(context: Context) -> Answer:
    """OSS manual: "PutObjectTagging". The tags replace the previous ones."""
    document = markup.parse(context.request.body.whole(MAX_XML), "Tagging")
    pairs = [(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in document.iterfind("TagSet/Tag")]
    tagging = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    if tagging:
        headers.check_tags(tagging)
    _set(context, tagging)
    return Answer()


def delete_object_tagging(context: Context) -> Answer:
    """OSS manual: "DeleteObjectTagging"."""
    _set(context, "")
    return Answer(204)


def _set(context: Context, tagging: str) -> None:
    key, version = context.request.checked_key(), versions.requested_version(context)
    kept = {headers.TAGGING: tagging} if tagging else {}
    if not context.store.objects.update(
        context.bucket.name,
        key,
        lambda stored: replace(stored, headers={**headers.without_tags(stored.headers), **kept}),
        version,
    ):
        raise versions.missing(context, key, version)
