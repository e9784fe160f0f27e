"""GetObject with x-oss-process: thumbnails.

Rule: the parameter is one of the signed query. The object is read into memory, up to OSS's limit for images.
"""

from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.extra import missing_pillow
from uploads.localoss.operations import conditions
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.objects import described, open_object
from uploads.localoss.thumbnails import MAX_SOURCE_BYTES, InvalidOption, UnknownAction, process

PROCESS = "x-oss-process"


def process_image(context: Context) -> Answer:
    """OSS manual: "Image processing". Refusal: InvalidArgument for an invalid action or a source that is no image,
    NotImplemented for an action that the local OSS does not have. OSS's own messages differ by the action."""
    actions = context.request.parameters.get(PROCESS, "")
    if sentence := missing_pillow():
        raise Refusal("NotImplemented", message=sentence)
    reading = open_object(context)
    try:
        if not conditions.is_modified(context.request.headers, reading.object):
            return Answer(304, conditions.not_modified(reading.object))
        content = b"".join(reading.read(0, MAX_SOURCE_BYTES + 1))
        shown = described(context, reading.object)
    finally:
        reading.close()
    try:
        body, media_type = process(content, actions)
    except UnknownAction as error:
        message = f"The local OSS does not implement the action {error} of {PROCESS}."
        raise Refusal("NotImplemented", message=message) from error
    except InvalidOption as error:
        raise invalid_argument(PROCESS, actions, str(error)) from error
    # These are of the source, not of the result.
    for name in ("Content-MD5", "x-oss-hash-crc64ecma", "Accept-Ranges"):
        shown.pop(name, None)
    return Answer(200, {**shown, "Content-Type": media_type, "Content-Length": str(len(body))}, body)
