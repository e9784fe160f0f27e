"""gunicorn's settings for the standalone site: `gunicorn -c python:uploads.site.gunicorn uploads.site.wsgi`.

Rule: one worker with threads unless told otherwise (WEB_CONCURRENCY): callbacks are heard while a Complete waits, and
SQLite and a cache in memory are right. What is under way when a stop is asked for is finished first.
"""

worker_class = "gthread"
threads = 8
timeout = 60
"""Longer than the longest call to OSS (25 s), and a slow client's."""
graceful_timeout = 30
keepalive = 5
max_requests = 0
accesslog = None
"""A request line may hold a capability; what matters is logged by the app."""
control_socket_disable = True
