"""One upload that is to end, and what is known of it so far."""

from collections.abc import Callable, Mapping
from typing import Any

from uploads.conf import settings
from uploads.domain.completion import Action, Facts, decide
from uploads.domain.errors import UploadError
from uploads.domain.parts import ClientReport, FilePlan
from uploads.domain.states import State
from uploads.models import Method, Upload
from uploads.oss.messages import Completed
from uploads.services.object_checks import required

Accepts = Callable[[Upload, Completed], bool]


class Case:
    """`learned` has `parts`, `found`, `answer_lost`, `refusal` and `key_taken` of the facts.

    `is_copied`: `found` is the copy of a staged object, which had passed its checks before it was copied.
    `accepts`: which objects may have other attributes than those required; None: no object.
    """

    def __init__(
        self,
        upload: Upload,
        report: ClientReport,
        object_confirmed: bool = False,
        accepts: Accepts | None = None,
    ) -> None:
        self.upload, self.report, self.object_confirmed, self.accepts = upload, report, object_confirmed, accepts
        self.error: UploadError | None = None
        self.ended = self.is_copied = False
        self.recorded_crc64: Mapping[int, str] = {}
        self.learned: dict[str, Any] = {}

    def decide(self) -> Action:
        upload = self.upload
        return decide(
            Facts(
                state=State(upload.state),
                is_multipart=upload.method == Method.MULTIPART,
                file=_file_plan(upload, self.recorded_crc64),
                report=self.report,
                expected=_of_copy(upload.expected) if self.is_copied else upload.expected,
                required=required(upload),
                is_protected=bool(upload.options.get("forbid_overwrite")),
                is_staged=bool(upload.staging_key) and not self.is_copied,
                in_stages=bool(upload.stage),
                object_confirmed=self.object_confirmed,
                **self.learned,
            )
        )

    def has_moved(self) -> bool:
        """Whether somebody else has moved the upload."""
        return not Upload.objects.filter(pk=self.upload.pk, state=self.upload.state).exists()

    def look_again(self) -> None:
        """The upload was moved, maybe by somebody else: forget what was learned."""
        self.upload.refresh_from_db()
        self.is_copied = False
        self.learned.clear()

    def refuse(self, error: UploadError) -> None:
        self.error, self.ended = error, True


def _of_copy(expected: Mapping[str, str] | None) -> dict[str, str]:
    """What is expected of the copy of an object: the ETag of a copy in parts differs."""
    return {name: value for name, value in (expected or {}).items() if name != "etag"}


def _file_plan(upload: Upload, recorded_crc64: Mapping[int, str]) -> FilePlan:
    destination = settings.destinations.get(upload.destination)
    return FilePlan(
        upload.plan,
        is_stream=upload.is_stream,
        size=upload.size,
        max_size=destination.max_size if destination else None,
        reserved=upload.reserved,
        destination=upload.destination,
        recorded_crc64=recorded_crc64,
    )
