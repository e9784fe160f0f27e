"""Requests as a page of another origin sends them: presigned, with an Origin, and with a CORS preflight.

Rule: such a request is sent once, within a few seconds, because somebody waits for the result.
"""

from collections.abc import Collection
from http import HTTPStatus

from uploads.oss.errors import NotOss, OssError, from_answer
from uploads.oss.http import BROWSER_TIMEOUT, SUCCESS, HttpRequest, Response, exchange, is_from_oss
from uploads.oss.signing import OssRequest, presign
from uploads.oss.transport import Transport, resource_of

LIFE = 60
"""Seconds until the presigned URL expires."""
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


class BrowserCalls(Transport):
    """Requests of a page, sent to the endpoint of this client."""

    def presigned(self, operation: str, request: OssRequest, origin: str) -> None:
        """Send a request without a body by a presigned URL.

        Raises Unreachable, NotOss for a response that is not OSS's, or an OssError for a refusal.
        """
        url = presign(self.context(), request, self.endpoint.url_of(request.bucket, request.key), LIFE)
        sent = HttpRequest(operation, request.method, url, {"Origin": origin}, timeout=BROWSER_TIMEOUT)
        response = exchange(self._http, sent, clock=self.clock)
        if not is_from_oss(response) or response.status_code not in SUCCESS:
            raise _refusal(response, operation, request)

    def preflight(self, request: OssRequest, origin: str, headers: Collection[str] = ()) -> bool:
        """A CORS preflight for this request with these headers: whether OSS allows it to a page of `origin`.

        Raises as `presigned` does, for any refusal: AccessForbidden where no CORS rule matches. Manual,
        "OptionObject": https://www.alibabacloud.com/help/en/oss/developer-reference/options
        """
        asked = {"Origin": origin, "Access-Control-Request-Method": request.method}
        if headers:
            asked["Access-Control-Request-Headers"] = ",".join(sorted(headers))
        url = self.endpoint.url_of(request.bucket, request.key)
        response = exchange(self._http, HttpRequest("Preflight", "OPTIONS", url, asked, timeout=BROWSER_TIMEOUT))
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response, "Preflight", request)
        return response.headers.get(ALLOW_ORIGIN, "") in ("*", origin)


def _refusal(response: Response, operation: str, request: OssRequest) -> NotOss | OssError:
    if not is_from_oss(response):
        return NotOss(response.status_code, operation)
    resource = resource_of(request)
    return from_answer(response.status_code, response.headers, response.content, operation, resource)
