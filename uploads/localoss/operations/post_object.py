"""PostObject: a browser's form. Who may is proven by the form, and so judged here.

Rule: everything that can be refused before the file is, and a file is kept only when the whole form has arrived.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from uploads.localoss import access, auth, callbacks, form_policy, forms, markup, signing_v1, v4
from uploads.localoss.answers import Answer, quoted, xml
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.form_policy import FormPolicy, PolicyInvalid
from uploads.localoss.forms import Form
from uploads.localoss.keys import AccessKey
from uploads.localoss.operations import callback, headers, traffic
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.objects import put_headers, store_object
from uploads.localoss.request import MAX_KEY_BYTES
from uploads.localoss.store.rows import StoredObject
from uploads.oss import post, signing
from uploads.oss.callback import CallbackParameters
from uploads.oss.limits import MAX_PART_SIZE, MAX_PRESIGN_SECONDS

AS_HEADERS = {
    "cache-control", "content-disposition", "content-encoding", "expires", "x-oss-object-acl", "x-oss-forbid-overwrite",
    "x-oss-storage-class", "x-oss-server-side-encryption", "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption", traffic.NAME,
}  # fmt: skip
"""The fields that say what a PutObject says in its headers. Tags are not among them."""
V4_FIELDS = ("x-oss-signature-version", "x-oss-credential", "x-oss-date")
TOKEN = "x-oss-security-token"  # noqa: S105  # a name


def post_object(context: Context) -> Answer:
    request = context.request
    request.body.require_length(MAX_PART_SIZE + 2 * forms.MAX_FIELDS_BYTES)
    form = forms.read(request.body, request.headers.get("content-type", ""))
    key = _key(form)
    content_type = form.fields.get("x-oss-content-type") or form.fields.get("content-type") or form.content_type
    policy = _permit(context, {**form.fields, "key": key, "content-type": content_type, "bucket": request.bucket}, key)
    wanted = _callback(form)
    sent = {name: value for name, value in form.fields.items() if name in AS_HEADERS or name.startswith(headers.META)}
    _check_printable(sent)
    if content_type:
        sent["content-type"] = content_type
    redirect = _redirect(form)
    chunks = traffic.at_pace(_within(form.chunks(), policy), traffic.rate_of(sent.get(traffic.NAME, "")))
    stored = store_object(context, key, sent, chunks)
    answer = _redirected(redirect, stored) if redirect else _done(context, form, stored)
    return callback.told(context, wanted, "PostObject", stored, answer)


def _key(form: Form) -> str:
    """The object's name; `${filename}` is the file's, without its folders."""
    if "key" not in form.fields:
        raise invalid_argument("key", "", "Bucket POST must contain a field named 'key'.")
    name = form.filename.replace("\\", "/").rpartition("/")[2]
    key = form.fields["key"].replace("${filename}", name)
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES or key.startswith(("/", "\\")):
        raise Refusal("InvalidObjectName", {"ObjectName": key})
    return key


def _check_printable(sent: Mapping[str, str]) -> None:
    """They will be headers one day."""
    for name, value in sent.items():
        if not (value.isprintable() and name.isascii() and name.isprintable()):
            raise invalid_argument(name, value, "A header cannot hold control characters.")


def _callback(form: Form) -> CallbackParameters | None:
    """Custom variables are fields of the form."""
    if not form.fields.get("callback"):
        return None
    variables = {name: value for name, value in form.fields.items() if name.startswith("x:")}
    return replace(callbacks.parse(form.fields["callback"], ""), variables=variables)


def _redirect(form: Form) -> str:
    url = form.fields.get("success_action_redirect", "")
    if url and not (url.isascii() and url.isprintable() and urlsplit(url).scheme in ("http", "https")):
        raise invalid_argument("success_action_redirect", url, "The redirect must be an http address.")
    return url


def _within(chunks: Iterable[bytes], policy: FormPolicy | None) -> Iterator[bytes]:
    """The same bytes, if they are as many as the policy wants."""
    fewest, most = policy.sizes if policy and policy.sizes else (0, MAX_PART_SIZE)
    most, received = min(most, MAX_PART_SIZE), 0
    for chunk in chunks:
        received += len(chunk)
        if received > most:
            raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(most)})
        yield chunk
    if received < fewest:
        raise Refusal("EntityTooSmall", {"MinSizeAllowed": str(fewest), "ProposedSize": str(received)})


# Who, and whether they may


def _permit(context: Context, fields: Mapping[str, str], key: str) -> FormPolicy | None:
    """The policy that the form is held to; None for a stranger whom the bucket lets write."""
    claims = {"policy", "signature", "ossaccesskeyid", "x-oss-signature", *V4_FIELDS} & fields.keys()
    if not claims:
        access.permit_stranger("write", context.bucket, key, context.store)
        return None
    signer = _signer(context, fields)
    auth.identity(signer, context.request, context.config, context.now).require("oss:PutObject", fields["bucket"], key)
    try:
        policy = form_policy.parse(fields["policy"])
    except PolicyInvalid as error:
        raise Refusal("InvalidPolicyDocument", message=f"Invalid Policy: {error}.") from error
    if context.now > policy.expiration:
        raise _against("Policy expired.", "0006-00000213")
    if (failed := policy.failed(fields)) is not None:
        raise _against(f"Policy Condition failed: {failed}")
    if "x-oss-signature-version" in fields:
        unbound = [name for name in (*V4_FIELDS, TOKEN) if name in fields and name not in policy.names()]
        if unbound:
            raise _against(f"Extra input fields: {unbound[0]}")
    return policy


def _signer(context: Context, fields: Mapping[str, str]) -> AccessKey:
    """The key that signed the policy."""
    in_v4 = "x-oss-signature-version" in fields
    names = ("policy", "x-oss-signature", *V4_FIELDS) if in_v4 else ("policy", "signature", "ossaccesskeyid")
    for name in names:
        if not fields.get(name):
            raise invalid_argument(name, "", f"Bucket POST must contain a field named '{name}'.")
    token = fields.get(TOKEN) or None
    if in_v4:
        key_id, scope = _claimed(context, fields)
        key = context.keys.find(key_id, token, context.now)
        wanted, given = post.signature(key.secret, scope, fields["policy"]), fields["x-oss-signature"]
    else:
        key = context.keys.find(fields["ossaccesskeyid"], token, context.now)
        wanted, given = signing_v1.signature(key.secret, fields["policy"]), fields["signature"]
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        shown = {"OSSAccessKeyId": key.id, "SignatureProvided": given, "StringToSign": fields["policy"]}
        raise Refusal("SignatureDoesNotMatch", shown, ec="0002-00000040")
    return key


def _claimed(context: Context, fields: Mapping[str, str]) -> tuple[str, signing.Scope]:
    """Key id and scope of a V4 form, its date within bounds."""
    if fields["x-oss-signature-version"] != signing.ALGORITHM:
        version = fields["x-oss-signature-version"]
        raise invalid_argument("x-oss-signature-version", version, "The signature version is invalid.")
    key_id, scope, date = v4.claimed(fields, context.config)
    _check_date(date, context.now)
    return key_id, scope


def _check_date(date: datetime, now: datetime) -> None:
    if date - now > v4.SKEW:
        raise Refusal("AccessDenied", message="Request is not valid yet.", ec="0002-00000235")
    if now - date > timedelta(seconds=MAX_PRESIGN_SECONDS):
        raise Refusal("AccessDenied", message="Request has expired.", ec="0002-00000069")


def _against(what: str, ec: str = "") -> Refusal:
    return Refusal("AccessDenied", message=f"Invalid according to Policy: {what}", ec=ec)


# The answer


def _done(context: Context, form: Form, stored: StoredObject) -> Answer:
    """204, unless the form asks for another."""
    location = context.request.location(stored.key)
    told = {**put_headers(stored), "Location": location}
    status = form.fields.get("success_action_status", "")
    if status == "201":
        content: list[markup.Node] = [
            ("Bucket", stored.bucket),
            ("ETag", quoted(stored.etag)),
            ("Key", stored.key),
            ("Location", location),
        ]
        answer = xml("PostResponse", content, told)
        answer.status = 201
        return answer
    return Answer(200 if status == "200" else 204, told)


def _redirected(url: str, stored: StoredObject) -> Answer:
    query = urlencode({"bucket": stored.bucket, "etag": quoted(stored.etag), "key": stored.key}, quote_via=quote)
    return Answer(303, {**put_headers(stored), "Location": f"{url}{'&' if '?' in url else '?'}{query}"})
