"""The ASGI entry point: `uvicorn uploads.site.asgi:application`. It does not start while a system check fails.

Django starts a thread for each request, without a limit, and each thread opens a database connection. A few hundred
slow requests would use up the connections of a database server, so `ASGI_CONCURRENCY` limits what runs at once.

Manual, "Asynchronous support": https://docs.djangoproject.com/en/5.2/topics/async/
"""

import asyncio
import io
import os
import warnings
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.management import call_command
from django.http import HttpRequest

from uploads.site.loaded import exempt_code_from_collection

LIVENESS = "/healthz/live"


class LimitedHandler(ASGIHandler):
    """Handles `concurrency` requests at a time; the others wait. Liveness does not wait.

    A request that waits has been received completely, and holds no database connection.
    """

    def __init__(self, concurrency: int) -> None:
        super().__init__()
        self._free = asyncio.Semaphore(concurrency)

    async def get_response_async(self, request: HttpRequest) -> Any:
        if request.path_info == LIVENESS:
            return await super().get_response_async(request)
        async with self._free:
            return await super().get_response_async(request)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "uploads.site.settings")
# A connection that is kept would belong to a thread that has ended.
# Manual, "Databases": https://docs.djangoproject.com/en/5.2/ref/databases/#persistent-connections
os.environ.setdefault("DATABASE_CONN_MAX_AGE", "0")
# WhiteNoise serves the page's few static files synchronously; each is read as a whole.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators", Warning)
django.setup(set_prefix=False)
call_command("check", tags=["uploads"], stdout=io.StringIO())
application = LimitedHandler(settings.ASGI_CONCURRENCY)
exempt_code_from_collection()
