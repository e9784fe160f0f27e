"""What the HTTP layers `api` and `companion` share: views, requests, parsers, problems, throttles, permissions.

Rule: Django REST framework is imported in `web`, `api` and `companion` alone. `api` and `companion` do not import
each other; `uploads.urls` includes both.
"""
