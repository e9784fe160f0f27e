"""How much a bucket holds.

Rule: counted when asked. OSS's numbers may be an hour old (OSS manual: "GetBucketStat").
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.headers import STORAGE_CLASS

# Storage in these classes is billed for at least 64 KB each, which the "real" element does not count.
_CLASSES = {
    "IA": "InfrequentAccess",
    "Archive": "Archive",
    "ColdArchive": "ColdArchive",
    "DeepColdArchive": "DeepColdArchive",
}
_BILLED = 64 * 1024


def get_bucket_stat(context: Context) -> Answer:
    """OSS manual: "GetBucketStat"."""
    store, name = context.store, context.bucket.name
    sizes: dict[str, list[int]] = {}
    for stored in store.objects.scan(name, b"", None):
        sizes.setdefault(stored.headers.get(STORAGE_CLASS, "Standard"), []).append(stored.size)
    uploads = sum(1 for _ in store.uploads.scan(name, b"", None))
    content: list[markup.Node] = [
        ("Storage", sum(map(sum, sizes.values()))),
        ("ObjectCount", sum(map(len, sizes.values()))),
        ("MultipartUploadCount", uploads),
        ("LiveChannelCount", 0),
        ("LastModifiedTime", context.milliseconds // 1000),
        ("StandardStorage", sum(sizes.get("Standard", []))),
        ("StandardObjectCount", len(sizes.get("Standard", []))),
    ]
    for storage_class, tag in _CLASSES.items():
        found = sizes.get(storage_class, [])
        content += [
            (f"{tag}Storage", sum(max(size, _BILLED) for size in found)),
            (f"{tag}RealStorage", sum(found)),
            (f"{tag}ObjectCount", len(found)),
        ]
    content += [("MultipartPartCount", store.uploads.count_parts(name))]
    content += [("DeleteMarkerCount", store.objects.count_markers(name))]
    return xml("BucketStat", content)
