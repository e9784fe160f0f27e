"""DeleteMultipleObjects: up to 1,000 keys in one request.

Rule: every key is authorized before any is deleted.
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal
from uploads.localoss.operations import versions
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import url_text
from uploads.oss.limits import MAX_DELETE_KEYS, MAX_DELETE_XML_BYTES


def delete_multiple(context: Context) -> Answer:
    """OSS manual: "DeleteMultipleObjects"."""
    request = context.request
    document = markup.parse(request.body.whole(MAX_DELETE_XML_BYTES), "Delete")
    encode = request.wants_url_encoding()
    # A key may consist of spaces, so it is not stripped.
    named = [(element.findtext("Key") or "", element.findtext("VersionId")) for element in document.iterfind("Object")]
    if not 1 <= len(named) <= MAX_DELETE_KEYS or not all(key for key, _ in named):
        raise Refusal("MalformedXML")
    for key, version in named:
        action = "oss:DeleteObjectVersion" if version else "oss:DeleteObject"
        context.identity.require(action, context.bucket.name, key)
    # Whether OSS deletes the other objects when one is retained is unknown. Here it stops at the first such object.
    deleted = [_delete(context, key, version or None, encode=encode) for key, version in named]
    if (document.findtext("Quiet") or "").strip().lower() == "true":
        return Answer()
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [("Deleted", node) for node in deleted]
    return xml("DeleteResult", content)


def _delete(context: Context, key: str, version: str | None, *, encode: bool) -> list[markup.Node]:
    """Delete an object or a version. Returns the content of its element in the response."""
    wanted = None if version is None else versions.parse("VersionId", version, version)
    marker, _ = versions.delete(context, key, wanted)
    content: list[markup.Node] = [("Key", url_text(key, encode))]
    if version is not None:
        content.append(("VersionId", version))
    if marker is not None:
        content += [("DeleteMarker", "true"), ("DeleteMarkerVersionId", marker.version or versions.NULL)]
    return content
