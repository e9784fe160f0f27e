"""Redirects of a bucket for objects that do not exist (OSS manual: "PutBucketWebsite").

Rule: of the website settings only these redirects are run, to other hosts; pages are kept and not served.
"""

from urllib.parse import quote
from xml.etree.ElementTree import Element

from uploads.localoss import markup
from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context

MAX_XML = 64 * 1024
_ROOT = "WebsiteConfiguration"
_CODES = (301, 302, 307)


def put_bucket_website(context: Context) -> Answer:
    """OSS manual: "PutBucketWebsite"."""
    body = context.request.body.whole(MAX_XML)
    markup.parse(body, _ROOT)
    context.store.buckets.change_settings(context.bucket.name, website=body.decode())
    return Answer()


def get_bucket_website(context: Context) -> Answer:
    """OSS manual: "GetBucketWebsite"."""
    if not context.bucket.settings.website:
        raise Refusal("NoSuchWebsiteConfiguration", {"BucketName": context.bucket.name})
    return Answer(200, {"Content-Type": "application/xml"}, context.bucket.settings.website.encode())


def delete_bucket_website(context: Context) -> Answer:
    """OSS manual: "DeleteBucketWebsite"."""
    context.store.buckets.change_settings(context.bucket.name, website="")
    return Answer(204)


def redirect(context: Context, key: str) -> Answer | None:
    """The redirect for an object that does not exist: that of the first rule that matches; None without one."""
    document = context.bucket.settings.website
    if not document:
        return None
    for rule in markup.parse(document.encode(), _ROOT).iterfind("RoutingRules/RoutingRule"):
        prefix = rule.findtext("Condition/KeyPrefixEquals") or ""
        error = (rule.findtext("Condition/HttpErrorCodeReturnedEquals") or "").strip()
        kind = (rule.findtext("Redirect/RedirectType") or "").strip()
        if key.startswith(prefix) and error == "404" and kind in ("External", "AliCDN"):
            return _answer(rule, key, prefix)
    return None


def _answer(rule: Element, key: str, prefix: str) -> Answer:
    def text(name: str) -> str:
        return (rule.findtext(f"Redirect/{name}") or "").strip()

    code = text("HttpRedirectCode")
    status = int(code) if code.isdigit() and int(code) in _CODES else 302
    if replacement := text("ReplaceKeyPrefixWith"):
        key = replacement + key.removeprefix(prefix)
    key = text("ReplaceKeyWith").replace("${key}", key) or key
    return Answer(status, {"Location": f"{text('Protocol') or 'http'}://{text('HostName')}/{quote(key)}"})
