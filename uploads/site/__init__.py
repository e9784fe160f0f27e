"""The standalone site: a Django project around the app. Nothing imports it but its own commands.

Importing a module of this package raises ImproperlyConfigured where the extra `site` is not installed.
"""

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

MODULES = ("csp", "environs", "gunicorn", "pythonjsonlogger", "waitress", "whitenoise")

if missing := [name for name in MODULES if find_spec(name) is None]:
    raise ImproperlyConfigured(f"The standalone site needs {', '.join(missing)}: pip install 'oss-uploads[site]'.")
