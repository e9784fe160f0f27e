"""Settings under test: the standalone site's, with a database for each run and an OSS that the fixtures name."""

import os
import tempfile

os.environ.setdefault("DJANGO_SECRET_KEY", "only-for-tests")
os.environ.setdefault("DJANGO_SECURE_COOKIES", "false")
os.environ.setdefault("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,testserver")

from uploads.site.demo import DESTINATIONS
from uploads.site.settings import *  # noqa: F403
from uploads.site.settings import DATABASES, LOGGING, UPLOADS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Quick to make; protects nothing here.
# What a test that fails has logged is shown by pytest, once.
LOGGING["handlers"]["console"]["level"] = "WARNING"

# Otherwise each test client lists all static files when it sends its first request, which takes longer than most tests.
WHITENOISE_AUTOREFRESH = True

if "DATABASE_URL" not in os.environ:
    # A file, since several threads use it, in a directory of this process's own, removed when the process ends.
    _directory = tempfile.TemporaryDirectory(prefix="uploads-test-", ignore_cleanup_errors=True)
    DATABASES["default"]["TEST"] = {"NAME": f"{_directory.name}/test.sqlite3"}

UPLOADS.update(
    OSS_ENDPOINT="http://127.0.0.1:1",
    OSS_ADDRESSING="path",
    OSS_REGION="cn-hangzhou",
    OSS_BUCKET="demo-bucket",
    OSS_ACCESS_KEY_ID="demo-key-id",
    OSS_ACCESS_KEY_SECRET="demo-key-secret",
    DESTINATIONS=DESTINATIONS,
)
