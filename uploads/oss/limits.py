"""OSS's own limits, as numbers. Source: the OSS manual, "Limits" and "Multipart upload"."""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MIN_PART_SIZE = 100 * KIB
"""Bytes. Every part but the last listed one must have at least these; checked by OSS at Complete only."""

MAX_PART_SIZE = 5 * GIB
"""Bytes in one part, and in one PutObject."""

MAX_PART_NUMBER = 10_000
"""Parts are numbered 1 … 10,000."""

MAX_OBJECT_SIZE = MAX_PART_NUMBER * MAX_PART_SIZE
"""Bytes: 48.8 TB, as the manual rounds it."""

MAX_KEY_BYTES = 1023
"""Bytes of UTF-8 in an object's name."""

MAX_METADATA_BYTES = 8 * KIB
"""Bytes in all names and values of `x-oss-meta-*` together."""

MAX_LIST_PAGE = 1000
"""The most that one page of ListParts or ListMultipartUploads holds."""

MAX_PRESIGN_SECONDS = 7 * 24 * 3600
"""The longest life of a presigned URL."""

MAX_CLOCK_SKEW_SECONDS = 15 * 60
"""A request's clock may differ from OSS's by this much."""

MAX_CORS_RULES = 20
MAX_CORS_XML_BYTES = 16 * KIB

MAX_DELETE_KEYS = 1000
MAX_DELETE_XML_BYTES = 2 * MIB
"""Of one DeleteMultipleObjects."""

MAX_LIFECYCLE_RULES = 1000
MAX_LIFECYCLE_XML_BYTES = 1 * MIB

MIN_TRAFFIC_LIMIT = 819_200
MAX_TRAFFIC_LIMIT = 838_860_800
"""Bits a second that `x-oss-traffic-limit` may ask for."""
