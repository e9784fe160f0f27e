"""WSGI entry: gunicorn uploads.site.wsgi. It refuses to start with settings that cannot work."""

import io
import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "uploads.site.settings")
application = get_wsgi_application()
call_command("check", tags=["uploads"], stdout=io.StringIO())
