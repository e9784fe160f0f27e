"""The demo follows the address that its page was opened under, where DEMO_HOST lets other machines reach it.

A page may be opened as http://192.168.1.5:8000, or through a proxy with TLS as https://name-8000.example.dev. Browsers
then need the local OSS under an address of the same kind. V4 signatures do not cover the host of a presigned URL, so
the address of the local OSS is replaced in each answer after it was signed.

Rule: only the demo does this. It trusts what proxies say (X-Forwarded-Host, X-Forwarded-Proto), and so any client.
"""

import os
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase

from uploads.site.demo import DemoSettings


def oss_address(demo: DemoSettings, scheme: str, host: str) -> str:
    """The origin under which a browser reaches the local OSS, from `scheme` and `host` of the page.

    The host's port becomes OSS_PORT. Services that forward ports have the port in the name (name-8000.example.dev);
    there it is replaced in the name. DEMO_OSS_URL, if set, is the answer always.
    """
    if demo.oss_url:
        return demo.oss_url
    name = split_domain_port(host)[0]
    label, dot, domain = name.partition(".")
    forwarded = re.sub(rf"(?<![0-9]){demo.port}(?![0-9])", str(demo.oss_port), label)
    if forwarded != label:
        return f"{scheme}://{forwarded}{dot}{domain}"
    return f"{scheme}://{name}:{demo.oss_port}"


class FollowAddress:
    """Middleware: the address of the local OSS in headers and bodies is the one for this browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.demo = DemoSettings.from_environment(os.environ)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        here = str(settings.UPLOADS["OSS_ENDPOINT"])
        there = oss_address(self.demo, request.scheme or "http", request.get_host())
        for name, value in response.items():
            if here in value:
                response[name] = value.replace(here, there)
        if not response.streaming and here.encode() in response.content:  # type: ignore[attr-defined]
            response.content = response.content.replace(here.encode(), there.encode())  # type: ignore[attr-defined]
            if response.has_header("Content-Length"):
                response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response
