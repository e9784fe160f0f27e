"""DeleteMultipleObjects: up to 1,000 keys in one request.

Rule: every key is authorized before any is deleted.
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import url_text
from uploads.oss.limits import MAX_DELETE_KEYS, MAX_DELETE_XML_BYTES


def delete_multiple(context: Context) -> Answer:
    """OSS manual: "DeleteMultipleObjects"."""
    request = context.request
    body, restore = markup.without_controls(request.body.whole(MAX_DELETE_XML_BYTES))
    document = markup.parse(body, "Delete")
    encode = request.wants_url_encoding()
    # A key may consist of spaces, so it is not stripped.
    keys = [(element.findtext("Key") or "").translate(restore) for element in document.iterfind("Object")]
    if not 1 <= len(keys) <= MAX_DELETE_KEYS or not all(keys):
        raise Refusal("MalformedXML")
    for key in keys:
        context.identity.require("oss:DeleteObject", context.bucket.name, key)
    for key in keys:
        context.store.objects.delete(context.bucket.name, key)
    if (document.findtext("Quiet") or "").strip().lower() == "true":
        return Answer()
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [("Deleted", [("Key", url_text(key, encode))]) for key in keys]
    return xml("DeleteResult", content)
