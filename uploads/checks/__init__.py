"""Wrong settings, reported by Django's system checks. Importing this registers them."""

from uploads.checks.metrics import check_metrics
from uploads.checks.settings import check_settings

__all__ = ["check_metrics", "check_settings"]
