"""What the default domains of OSS do to downloads of new accounts (OSS manual: "0048-00000113", "0048-00000200",
"0048-00000300").

Rule: only anonymous requests and presigned URLs are concerned, and not custom domains or internal endpoints. A request
that is signed in its headers gets the object as it is (OSS manual: "ApkDownloadForbidden").
"""

from collections.abc import Iterable

from uploads.localoss.account_rules import RuleRefusal
from uploads.localoss.answers import Answer
from uploads.localoss.endpoints import Endpoint
from uploads.localoss.request import Request

_DOWNLOADS = ("GetObject", "HeadObject")
_APPS = (".apk", ".ipa")
_APP_TYPES = ("application/vnd.android.package-archive", "application/iphone")


def apply(request: Request, operation: str, endpoint: Endpoint, rules: frozenset[str], answer: Answer) -> Answer:
    """The response to a download, as a default domain sends it. Refusal (RuleRefusal) for a redirect, an APK or an IPA.

    Accounts of users since October 2022 get every type of file as a download, and no response-content-disposition
    changes it; older ones images and HTML alone.
    """
    if operation not in _DOWNLOADS or not endpoint.shared or "authorization" in request.headers:
        return answer
    if "redirect-forbidden" in rules and "Location" in answer.headers:
        raise RuleRefusal("ExternalRedirectForbidden", headers={"Location": answer.headers["Location"]})
    if answer.status not in (200, 206):
        return answer
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if "apk-forbidden" in rules and (request.key.lower().endswith(_APPS) or media_type in _APP_TYPES):
        _close(answer.body)
        raise RuleRefusal("ApkDownloadForbidden")
    if "forced-download" in rules:
        answer.headers |= {"x-oss-force-download": "true", "Content-Disposition": "attachment"}
        answer.headers["x-oss-ec"] = "0048-00000113" if endpoint.kind == "public" else "0048-00000112"
    return answer


def _close(body: bytes | Iterable[bytes]) -> None:
    if close := getattr(body, "close", None):
        close()
