"""The callback after an object is stored (OSS manual: "Callback").

Rule: the application is called after the object is committed.
"""

from uploads.localoss import callbacks
from uploads.localoss.answers import Answer
from uploads.localoss.images import HEAD_BYTES, image_variables
from uploads.localoss.operations.context import Context
from uploads.localoss.store.rows import StoredObject
from uploads.oss.callback import CallbackParameters


def with_callback(
    context: Context, parameters: CallbackParameters | None, operation: str, stored: StoredObject, answer: Answer
) -> Answer:
    """The response to the uploader: the application's answer, or `answer` if `parameters` is None."""
    if parameters is None:
        return answer
    request = context.request
    event = callbacks.Event(
        bucket=stored.bucket,
        requester=context.config.owner,
        request_id=request.id,
        values={
            "bucket": stored.bucket,
            "object": stored.key,
            "etag": stored.etag,
            "size": str(stored.size),
            "mimeType": stored.headers["content-type"],
            "crc64": str(stored.crc64),
            "contentMd5": stored.content_md5,
            "vpcId": "",
            "clientIp": request.client,
            "reqId": request.id,
            "operation": operation,
            **(_image(context, stored) if "${imageInfo." in parameters.body else {}),
        },
    )
    return context.callback_client.relay(parameters, event, answer, request.host)


def _image(context: Context, stored: StoredObject) -> dict[str, str]:
    reading = context.store.objects.open(stored.bucket, stored.key)
    if reading is None:
        return {}
    try:
        return image_variables(b"".join(reading.read(0, HEAD_BYTES)))
    finally:
        reading.close()
