"""Multipart uploads: initiate, upload a part, complete, abort.

Rule: limits are checked where OSS checks them: the sizes of parts when the upload is completed, not when they arrive.
"""

import base64
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote

from uploads.localoss import callbacks, markup
from uploads.localoss.answers import Answer, quoted, xml
from uploads.localoss.auth import WRITING
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import callback, headers, traffic, versions
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.objects import new_id
from uploads.localoss.store.rows import Blob, StoredObject, StoredPart, Upload
from uploads.localoss.store.uploads import Choice, OutOfOrder
from uploads.localoss.store.versions import rules_of
from uploads.oss.crc64 import combine_all
from uploads.oss.limits import MAX_PART_NUMBER, MAX_PART_SIZE, MIN_PART_SIZE
from uploads.oss.messages import bare, multipart_etag

MAX_COMPLETE_XML = 4 * 1024 * 1024
COMPLETE_EC, SMALL_PART_EC = "0042-00000205", "0042-00000213"
PART_EC = "0042-00000104"
PART_COPY_EC = "0042-00000311"
NUMBER_EC, MISSING_NUMBER_EC = "0017-00000220", "0017-00000219"
_NUMBER = f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive."


def initiate(context: Context) -> Answer:
    """OSS manual: "InitiateMultipartUpload"."""
    request = context.request
    key, encode = request.checked_key(), request.wants_url_encoding()
    kept = headers.stored_headers(request.headers, context)
    context.identity.require_kms(kept, *WRITING)
    if headers.forbids_overwrite(request.headers):
        versions.check_writable(context, key, rules_of(context.bucket, context.milliseconds, overwrite=False))
    sequential = "sequential" in request.parameters
    upload = Upload(new_id(), context.bucket.name, key, context.milliseconds, kept, sequential)
    context.store.uploads.create(upload)
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [("Bucket", upload.bucket), ("Key", url_text(key, encode)), ("UploadId", upload.id)]
    return xml("InitiateMultipartUploadResult", content, headers.encryption(kept))


def upload_part(context: Context) -> Answer:
    """OSS manual: "UploadPart"."""
    request, store = context.request, context.store
    number = requested_number(context)
    upload = existing_upload(context, PART_EC)
    context.identity.require_kms(upload.headers, *WRITING)
    headers.refuse_object_headers(request.headers)
    request.body.require_length(MAX_PART_SIZE)
    with store.blobs.receive(traffic.incoming(context)) as blob:
        request.body.check_md5(blob.md5)
        record_part(context, upload, number, blob, PART_EC)
    return Answer(
        headers={
            "ETag": quoted(blob.etag),
            "Content-MD5": base64.b64encode(blob.md5).decode(),
            "x-oss-hash-crc64ecma": str(blob.crc64),
            **headers.encryption(upload.headers),
        }
    )


def record_part(context: Context, upload: Upload, number: int, blob: Blob, ec: str) -> None:
    """Record a part. Refusal: PartNotSequential, or NoSuchUpload with `ec` if the upload has ended meanwhile."""
    try:
        kept = context.store.uploads.put_part(upload, number, blob, context.milliseconds)
    except OutOfOrder as error:
        raise Refusal("PartNotSequential", {"PartNumber": str(number)}) from error
    if not kept:
        raise no_such_upload(upload.id, ec)


def abort(context: Context) -> Answer:
    """OSS manual: "AbortMultipartUpload"."""
    identifier = context.request.parameters.get("uploadId", "")
    if not context.store.uploads.abort(context.bucket.name, context.request.checked_key(), identifier):
        raise no_such_upload(identifier)
    return Answer(204)


@dataclass(frozen=True, slots=True)
class _ListedPart:
    """A part in the client's list."""

    number: int
    etag: str


def complete(context: Context) -> Answer:
    """OSS manual: "CompleteMultipartUpload"."""
    request = context.request
    parameters = callbacks.requested(request)
    headers.refuse_object_headers(request.headers)
    encode, acl = request.wants_url_encoding(), headers.acl(request.headers, context)
    listed = _listed(context)
    upload = existing_upload(context)
    rules = versions.write_rules(context, upload.key, request.headers)
    with versions.refusals(upload.key, "0042-00000214"):
        stored = context.store.uploads.complete(
            upload, lambda parts: _assemble(context, upload, acl, choose(parts, listed)), rules
        )
    if stored is None:
        raise no_such_upload(upload.id)
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [
        ("Location", request.location(upload.key)),
        ("Bucket", upload.bucket),
        ("Key", url_text(upload.key, encode)),
        ("ETag", quoted(stored.etag)),
    ]
    extra = {
        "ETag": quoted(stored.etag),
        "x-oss-hash-crc64ecma": str(stored.crc64),
        **versions.version_header(context, stored),
    }
    answer = xml("CompleteMultipartUploadResult", content, {**extra, **headers.encryption(upload.headers)})
    return callback.with_callback(context, parameters, "CompleteMultipartUpload", stored, answer)


def choose(parts: list[StoredPart], listed: list[_ListedPart] | None) -> list[StoredPart]:
    """The parts of the object: those of the list, or all of them for None.

    An empty list makes an empty object of an upload without parts: the uploader of the vendor's Go SDK V2 relies on it
    (`TestUploaderUploadFromTeeReader`).

    Refusal: MalformedXML if the list is empty and there are parts, InvalidPart if a listed part is missing or has
    another ETag, or if there is none for x-oss-complete-all, EntityTooSmall if a part but the last has less than
    100 KiB (OSS manual: "CompleteMultipartUpload").
    """
    if listed == []:
        if parts:
            raise Refusal("MalformedXML", ec=COMPLETE_EC)
        return []
    chosen = parts if listed is None else _found(parts, listed)
    if not chosen:
        raise Refusal("InvalidPart")
    for part in chosen[:-1]:
        if part.size < MIN_PART_SIZE:
            fields = {
                "MinSizeAllowed": str(MIN_PART_SIZE),
                "ProposedSize": str(part.size),
                "PartNumber": str(part.number),
                "ETag": quoted(part.etag),
            }
            raise Refusal("EntityTooSmall", fields, ec=SMALL_PART_EC)
    return chosen


def _found(parts: list[StoredPart], listed: list[_ListedPart]) -> list[StoredPart]:
    there = {part.number: part for part in parts}
    chosen = []
    for named in listed:
        part = there.get(named.number)
        if part is None or part.etag != named.etag:
            raise Refusal("InvalidPart", {"PartNumber": str(named.number), "ETag": quoted(named.etag)})
        chosen.append(part)
    return chosen


def _listed(context: Context) -> list[_ListedPart] | None:
    """The list of parts in the body; None with x-oss-complete-all. Refusal if it is malformed or not in order."""
    request = context.request
    body = request.body.whole(MAX_COMPLETE_XML)
    mode = request.headers.get("x-oss-complete-all")
    if mode is not None:
        if mode != "yes":
            raise invalid_argument("x-oss-complete-all", mode, "The value must be yes.")
        if body:
            message = "Should not speficy both complete all header and http body."
            raise invalid_argument("x-oss-complete-all", mode, message, "0042-00000216")
        return None
    document = markup.parse(body, "CompleteMultipartUpload", COMPLETE_EC)
    listed = []
    for element in document.iterfind("Part"):
        number, etag = (element.findtext("PartNumber") or "").strip(), bare(element.findtext("ETag") or "")
        if not number or not etag:
            raise Refusal("MalformedXML", ec=COMPLETE_EC)
        listed.append(_ListedPart(part_number(number), etag.upper()))
    if any(second.number <= first.number for first, second in pairwise(listed)):
        raise Refusal("InvalidPartOrder")
    return listed


def _assemble(context: Context, upload: Upload, acl: str, chosen: list[StoredPart]) -> Choice:
    """The object of these parts, and the parts."""
    stored = StoredObject(
        bucket=upload.bucket,
        key=upload.key,
        id=new_id(),
        size=sum(part.size for part in chosen),
        etag=multipart_etag(part.etag for part in chosen),
        crc64=combine_all((part.crc64, part.size) for part in chosen),
        kind="Multipart",
        modified=context.milliseconds,
        acl=acl,
        headers=upload.headers,
        version=versions.new_version(context),
    )
    return stored, chosen


def requested_number(context: Context) -> int:
    """The part number in the URL. Refusal (InvalidArgument) unless there are a part number and an upload id.

    The error is the one of OSS's page "0017-00000219", which is about a missing part number. What OSS answers when the
    upload id is missing is unknown; taken for PutObject, the request would overwrite the object with a part.
    """
    given = context.request.parameters
    if not given.get("partNumber") or "uploadId" not in given:
        raise invalid_argument("ResourceType", "partNumber", "Unexpected query string parameter", MISSING_NUMBER_EC)
    return part_number(given["partNumber"], NUMBER_EC)


def part_number(text: str, ec: str = "") -> int:
    """A part number from 1 to 10,000. Refusal (InvalidArgument, with `ec`) otherwise."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MAX_PART_NUMBER):
        raise invalid_argument("PartNumber", text, _NUMBER, ec)
    return int(text)


def existing_upload(context: Context, ec: str | None = None) -> Upload:
    """The open upload of the request's key and upload id. Refusal (NoSuchUpload, with `ec`) if there is none."""
    identifier = context.request.parameters.get("uploadId", "")
    upload = context.store.uploads.get(context.bucket.name, context.request.checked_key(), identifier)
    if upload is None:
        raise no_such_upload(identifier, ec)
    return upload


def no_such_upload(identifier: str, ec: str | None = None) -> Refusal:
    """The error for an unknown, aborted or completed upload. Its EC differs between operations."""
    return Refusal("NoSuchUpload", {"UploadId": identifier}, ec=ec)


def url_text(text: str, encode: bool) -> str:
    """A key as it stands in XML: URL-encoded with encoding-type=url."""
    return quote(text, safe="") if encode else text
