"""The WSGI entry point: `gunicorn uploads.site.wsgi`. It does not start while a system check fails."""

import io
import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from uploads.site.loaded import exempt_code_from_collection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "uploads.site.settings")
application = get_wsgi_application()
call_command("check", tags=["uploads"], stdout=io.StringIO())
exempt_code_from_collection()
