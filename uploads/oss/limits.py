"""OSS's limits as numbers.

Manual, "Limits", "Multipart upload", and the page of each operation.
"""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MIN_PART_SIZE = 100 * KIB
"""Bytes. Every part but the last must have at least these. OSS checks it in CompleteMultipartUpload only."""

MAX_PART_SIZE = 5 * GIB
"""Bytes in one part, in one PutObject and in one PostObject."""

MAX_PART_NUMBER = 10_000
"""Parts are numbered from 1 to 10,000."""

MAX_OBJECT_SIZE = MAX_PART_NUMBER * MAX_PART_SIZE
"""Bytes. The manual rounds it to 48.8 TB."""

MAX_KEY_BYTES = 1023
"""Bytes of UTF-8 in an object's key."""

MAX_METADATA_BYTES = 8 * KIB
"""Bytes in all names and values of `x-oss-meta-*` together."""

MAX_LIST_PAGE = 1000
"""Entries in one page of ListParts or ListMultipartUploads."""

MAX_PRESIGN_SECONDS = 7 * 24 * 3600
"""Seconds until the latest expiry of a V4 presigned URL: 7 days."""

MAX_CLOCK_SKEW_SECONDS = 15 * 60
"""Seconds by which the clock of a request may differ from OSS's."""

MAX_CORS_RULES = 20
"""Rules in the CORS configuration of a bucket."""

MAX_CORS_XML_BYTES = 16 * KIB
"""Bytes of a CORS configuration."""

MAX_DELETE_KEYS = 1000
"""Keys in one DeleteMultipleObjects."""

MAX_DELETE_XML_BYTES = 2 * MIB
"""Bytes of the body of one DeleteMultipleObjects."""

MAX_LIFECYCLE_RULES = 1000
"""Rules in the lifecycle configuration of a bucket."""

MAX_LIFECYCLE_XML_BYTES = 1 * MIB
"""Bytes of a lifecycle configuration."""

MIN_TRAFFIC_LIMIT = 819_200
MAX_TRAFFIC_LIMIT = 838_860_800
"""Bits per second that `x-oss-traffic-limit` may have. Manual, "UploadPart", "PutObject"."""
MAX_OVERWRITE_RULES = 100
"""Rules in the overwrite configuration of a bucket."""
MAX_AFFIX_CHARACTERS = 1023
"""Characters of the prefix or suffix in an overwrite rule."""
MAX_OVERWRITE_XML_BYTES = 1024 * 1024
"""Bytes of an overwrite configuration."""
