"""The tags of a bucket.

Rule: tags are kept as the header x-oss-tagging has them, `k=v&k2=v2`.
"""

from urllib.parse import parse_qsl, quote

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context

MAX_XML = 64 * 1024
MAX_BUCKET_TAGS = 20
"""OSS manual: "PutBucketTags"."""


def put_bucket_tagging(context: Context) -> Answer:
    """OSS manual: "PutBucketTags". The tags replace the previous ones. Refusal (InvalidTag) for more than 20, for a
    name twice, or for a name or a value that is too long."""
    document = markup.parse(context.request.body.whole(MAX_XML), "Tagging")
    pairs = [(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in document.iterfind("TagSet/Tag")]
    names = [name for name, _ in pairs]
    if not 1 <= len(pairs) <= MAX_BUCKET_TAGS or len(set(names)) != len(names):
        raise Refusal("InvalidTag")
    if not all(1 <= len(name.encode()) <= 64 and len(value.encode()) <= 128 for name, value in pairs):
        raise Refusal("InvalidTag")
    tags = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    context.store.buckets.change_settings(context.bucket.name, tags=tags)
    return Answer()


def get_bucket_tagging(context: Context) -> Answer:
    """OSS manual: "GetBucketTags". An empty TagSet without tags."""
    tags = parse_qsl(context.bucket.settings.tags, keep_blank_values=True)
    found: list[markup.Node] = [("Tag", [("Key", name), ("Value", value)]) for name, value in tags]
    return xml("Tagging", [("TagSet", found)])


def delete_bucket_tagging(context: Context) -> Answer:
    """OSS manual: "DeleteBucketTags". With `?tagging=k1,k2` only these tags are deleted."""
    chosen = context.request.parameters.get("tagging", "")
    names = chosen.split(",") if chosen else []
    tags = parse_qsl(context.bucket.settings.tags, keep_blank_values=True)
    kept = [(name, value) for name, value in tags if names and name not in names]
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in kept)
    context.store.buckets.change_settings(context.bucket.name, tags=text)
    return Answer(204)
