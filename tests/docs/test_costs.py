"""The requests of an upload are those that docs/scale.md counts with."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS
from tests.stack import deliver
from uploads import services
from uploads.services.signing import PartRequest
from uploads.telemetry import OSS_CALLS

PAGE = Path(DOCS / "scale.md").read_text()
PARTS = 3
SIZE = PARTS * 100 * 1024


def backend_calls() -> Counter[str]:
    """The requests of the backend to OSS since the process began, by operation."""
    samples = [sample for metric in OSS_CALLS.collect() for sample in metric.samples]
    counts: Counter[str] = Counter()
    for sample in samples:
        if sample.name.endswith("_count"):
            counts[sample.labels["operation"]] += int(sample.value)
    return counts


def counted(title: str) -> dict[str, int]:
    """The rows of the table under this heading: an operation and its number."""
    section = PAGE.partition(f"### {title}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\w+) \| (\d+|one a part) \|", section, re.MULTILINE)
    return {operation: PARTS if number == "one a part" else int(number) for operation, number in rows}


@pytest.mark.parametrize(("title", "size"), [("A file in one request", 12), ("A file in parts", SIZE)])
def test_an_upload_costs_the_requests_that_the_page_counts(
    user: Any, oss_uploads: Any, settings: Any, title: str, size: int
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"part_size": 100 * 1024}}}
    services.complete(_sent(user, 1))  # The first call of a process asks for OSS's time.
    before = backend_calls()
    upload = _sent(user, size)
    services.complete(upload)
    spent = backend_calls() - before
    spent["PostObject" if size == 12 else "UploadPart"] += upload.plan.part_count or 0
    assert spent == counted(title)


def _sent(user: Any, size: int) -> Any:
    upload = services.begin(user, services.UploadRequest("default", "a.bin", size, content_type=""))
    numbers = upload.plan.numbers()
    for part in services.sign_parts(upload, [PartRequest(number) for number in numbers]):
        length = upload.plan.size_of(part.number)
        assert deliver(part, bytes(length or 0)).is_success
    return upload
