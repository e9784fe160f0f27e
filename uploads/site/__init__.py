"""The standalone site: a Django project around the app. Only `manage.py demo` imports it."""
