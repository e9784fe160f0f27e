"""Companion's S3 routes over the same services, for pages that use Uppy."""
