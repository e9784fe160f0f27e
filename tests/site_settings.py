"""The standalone site's settings with passwords that are quick to check: each stack of a test run logs its users in."""

from uploads.site.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
