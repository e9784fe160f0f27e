"""Wrong settings, reported by Django's system checks. Importing this registers them."""

from uploads.checks.databases import check_mysql, check_time_zones, check_vendor
from uploads.checks.metrics import check_metrics
from uploads.checks.settings import check_settings
from uploads.checks.storages import check_prefixes

__all__ = ["check_metrics", "check_mysql", "check_prefixes", "check_settings", "check_time_zones", "check_vendor"]
