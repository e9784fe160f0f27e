"""PostObject: an upload by an HTML form, whose fields hold the signature (OSS manual: "PostObject").

Rule: every check that does not need the file comes before it. The file is stored only if the whole form arrives.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from uploads.localoss import access, auth, callbacks, form_policy, forms, markup, signing_v1, v4
from uploads.localoss.account_rules import v1_refusal
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
    "cache-control", "content-disposition", "content-encoding", "content-language", "expires", "x-oss-object-acl",
    "x-oss-forbid-overwrite", "x-oss-storage-class", *headers.ENCRYPTION_HEADERS, traffic.NAME,
}  # fmt: skip
"""The fields that mean the same as the headers of PutObject. Tags are not among them."""
V4_FIELDS = ("x-oss-signature-version", "x-oss-credential", "x-oss-date")
TOKEN = "x-oss-security-token"  # noqa: S105  # a name


def post_object(context: Context) -> Answer:
    """OSS manual: "PostObject"."""
    request = context.request
    request.body.require_length(MAX_PART_SIZE + 2 * forms.MAX_FIELDS_BYTES)
    form = forms.read(request.body, request.headers.get("content-type", ""))
    key = _key(form)
    content_type = form.fields.get("x-oss-content-type") or form.fields.get("content-type") or form.content_type
    policy = _permit(context, {**form.fields, "key": key, "content-type": content_type, "bucket": request.bucket}, key)
    parameters = _callback(form)
    sent = {name: value for name, value in form.fields.items() if name in AS_HEADERS or name.startswith(headers.META)}
    _check_printable(sent)
    if content_type:
        sent["content-type"] = content_type
    redirect = _redirect(form)
    chunks = traffic.limited(_within_size_range(form.chunks(), policy), traffic.rate_of(sent.get(traffic.NAME, "")))
    stored = store_object(context, key, sent, chunks)
    answer = _redirected(context, redirect, stored) if redirect else _response(context, form, stored)
    return callback.with_callback(context, parameters, "PostObject", stored, answer)


def _key(form: Form) -> str:
    """The object's key. `${filename}` is replaced by the file's name without its folders."""
    if "key" not in form.fields:
        raise invalid_argument("key", "", "Bucket POST must contain a field named 'key'.")
    name = form.filename.replace("\\", "/").rpartition("/")[2]
    key = form.fields["key"].replace("${filename}", name)
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES or key.startswith(("/", "\\")):
        raise Refusal("InvalidObjectName", {"ObjectName": key})
    return key


def _check_printable(sent: Mapping[str, str]) -> None:
    """Refusal (InvalidArgument) for a value that cannot be a response header."""
    for name, value in sent.items():
        if not (value.isprintable() and name.isascii() and name.isprintable()):
            raise invalid_argument(name, value, "A header cannot hold control characters.")


def _callback(form: Form) -> CallbackParameters | None:
    """The callback of the form; its custom variables are the fields `x:…`."""
    if not form.fields.get("callback"):
        return None
    variables = {name: value for name, value in form.fields.items() if name.startswith("x:")}
    return replace(callbacks.parse(form.fields["callback"], ""), variables=variables)


def _redirect(form: Form) -> str:
    url = form.fields.get("success_action_redirect", "")
    if url and not (url.isascii() and url.isprintable() and urlsplit(url).scheme in ("http", "https")):
        raise invalid_argument("success_action_redirect", url, "The redirect must be an http or https URL.")
    return url


def _within_size_range(chunks: Iterable[bytes], policy: FormPolicy | None) -> Iterator[bytes]:
    """The same chunks. Refusal if their size is not within the policy's content-length-range."""
    fewest, most = policy.sizes if policy and policy.sizes else (0, MAX_PART_SIZE)
    most, received = min(most, MAX_PART_SIZE), 0
    for chunk in chunks:
        received += len(chunk)
        if received > most:
            raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(most)})
        yield chunk
    if received < fewest:
        raise Refusal("EntityTooSmall", {"MinSizeAllowed": str(fewest), "ProposedSize": str(received)})


# Authentication and authorization


def _permit(context: Context, fields: Mapping[str, str], key: str) -> FormPolicy | None:
    """The verified policy of the form; None for an anonymous form if the bucket's ACL allows it.

    Refusal if the signature, the policy or a condition of it does not allow the upload.
    """
    claims = {"policy", "signature", "ossaccesskeyid", "x-oss-signature", *V4_FIELDS} & fields.keys()
    if not claims:
        access.permit_anonymous("write", context.bucket, key, context.store)
        return None
    signer = _signer(context, fields)
    identity = auth.identity(signer, context.request, context.config, context.now)
    identity = replace(identity, values={**identity.values, **auth.with_acl(fields)})
    identity.require("oss:PutObject", fields["bucket"], key)
    identity.require_kms(fields, *auth.WRITING)
    try:
        policy = form_policy.parse(fields["policy"])
    except PolicyInvalid as error:
        raise Refusal("InvalidPolicyDocument", message=f"Invalid Policy: {error}.") from error
    if context.now > policy.expiration:
        raise _policy_violation("Policy expired.", "0006-00000213")
    failed = policy.failed(fields)
    if failed is not None:
        ec = "" if failed.field in fields else "0006-00000226"
        raise _policy_violation(f"Policy Condition failed: {failed}", ec)
    if "x-oss-signature-version" in fields:
        unbound = [name for name in (*V4_FIELDS, TOKEN) if name in fields and name not in policy.names()]
        if unbound:
            raise _policy_violation(f"Extra input fields: {unbound[0]}")
    return policy


def _signer(context: Context, fields: Mapping[str, str]) -> AccessKey:
    """The key that signed the policy. Refusal if the signature is missing or not valid."""
    in_v4 = "x-oss-signature-version" in fields
    if not in_v4 and "v1-forbidden" in context.account_rules:
        raise v1_refusal("Signature")
    names = ("policy", "x-oss-signature", *V4_FIELDS) if in_v4 else ("policy", "signature", "ossaccesskeyid")
    for name in names:
        if not fields.get(name):
            raise invalid_argument(name, "", f"Bucket POST must contain a field named '{name}'.")
    token = fields.get(TOKEN) or None
    if in_v4:
        key_id, scope = _read_scope(context, fields)
        key = context.keys.find(key_id, token, context.now)
        expected, given = post.signature(key.secret, scope, fields["policy"]), fields["x-oss-signature"]
    else:
        key = context.keys.find(fields["ossaccesskeyid"], token, context.now)
        expected, given = signing_v1.signature(key.secret, fields["policy"]), fields["signature"]
    if not hmac.compare_digest(expected.encode(), given.encode()):
        shown = {"OSSAccessKeyId": key.id, "SignatureProvided": given, "StringToSign": fields["policy"]}
        raise Refusal("SignatureDoesNotMatch", shown, ec="0002-00000040")
    return key


def _read_scope(context: Context, fields: Mapping[str, str]) -> tuple[str, signing.Scope]:
    """Key id and scope of a V4 form. Refusal if its date is out of bounds."""
    if fields["x-oss-signature-version"] != signing.ALGORITHM:
        version = fields["x-oss-signature-version"]
        raise invalid_argument("x-oss-signature-version", version, "The signature version is invalid.")
    key_id, scope, date = v4.read_scope(fields, replace(context.config, region=context.region))
    _check_date(date, context.now)
    return key_id, scope


def _check_date(date: datetime, now: datetime) -> None:
    if date - now > v4.SKEW:
        raise Refusal("AccessDenied", message="Request is not valid yet.", ec="0002-00000235")
    if now - date > timedelta(seconds=MAX_PRESIGN_SECONDS):
        raise Refusal("AccessDenied", message="Request has expired.", ec="0002-00000069")


def _policy_violation(what: str, ec: str = "") -> Refusal:
    return Refusal("AccessDenied", message=f"Invalid according to Policy: {what}", ec=ec)


# The response


def _response(context: Context, form: Form, stored: StoredObject) -> Answer:
    """The response with the form's success_action_status; 204 without one."""
    location = context.request.location(stored.key)
    sent = {**put_headers(context, stored), "Location": location}
    status = form.fields.get("success_action_status", "")
    if status == "201":
        content: list[markup.Node] = [
            ("Bucket", stored.bucket),
            ("ETag", quoted(stored.etag)),
            ("Key", stored.key),
            ("Location", location),
        ]
        answer = xml("PostResponse", content, sent)
        answer.status = 201
        return answer
    return Answer(200 if status == "200" else 204, sent)


def _redirected(context: Context, url: str, stored: StoredObject) -> Answer:
    query = urlencode({"bucket": stored.bucket, "etag": quoted(stored.etag), "key": stored.key}, quote_via=quote)
    return Answer(303, {**put_headers(context, stored), "Location": f"{url}{'&' if '?' in url else '?'}{query}"})
