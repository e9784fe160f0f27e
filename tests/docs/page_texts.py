"""What the page can say, read from the texts of the engine, and what a user or an administrator then does."""

import re
from collections.abc import Iterator

from tests.docs.pages import ROOT
from uploads.domain import errors

ENGINE = ROOT / "frontend" / "src" / "engine"
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
ENTRY = re.compile(r"^ {2}(\w+): \[(.*?)\],?$", re.MULTILINE | re.DOTALL)
NOTICE = re.compile(r'^ {2}(\w+): ("(?:[^"\\]|\\.)*"),$', re.MULTILINE)
CONSTANT = re.compile(r"^export const [A-Z_]+ = \[(.*?)\]", re.MULTILINE | re.DOTALL)
TABLES = ("sentences.ts", "diagnosis-texts.ts", "restrictions.ts")
ALONE = ("oss-response.ts", "resuming.ts")

ADVICE = {
    "not_found": "Log in as the user who began the upload. An upload of another user is not shown.",
    "invalid": "Correct the page: `errors` of the answer names the field.",
    "too_large": "Choose a smaller file, or raise `max_size` of the destination or the quota.",
    "idempotency_key_reused": "Correct the page: use a new key for a new upload.",
    "forbidden": "Give the user the permission that the destination asks for, or correct the page.",
    "over_quota": "Complete or delete uploads, or raise the quota of the destination.",
    "csrf_failed": "Reload the page. If it stays, see [CSRF tokens](browser.md#csrf-tokens).",
    "callback_refused": "Check `OSS_CALLBACK_KEY_URLS`. A request that OSS has not signed is refused rightly.",
    "conflict": "Ask for the upload again and look at its state.",
    "wrong_state": "Nothing: the upload has ended or is being completed.",
    "deletion_not_allowed": "Set `allow_delete` of the destination, if users may delete.",
    "parts_missing": "Press Retry: the missing parts are sent.",
    "parts_refused": "Press Retry: the parts are sent again.",
    "not_offered": "Set the option that the detail names, or do not ask for it.",
    "upload_gone": "Upload the file again. A lifecycle rule or somebody at OSS has aborted it.",
    "object_mismatch": "Upload the file again. The object had other bytes than the file, and was removed.",
    "rejected": "Nothing: an inspector of the destination has refused the file.",
    "storage_busy": "Wait: the page tries again. If it stays, run `manage.py doctor`.",
    "storage_refused": "Run `manage.py doctor`. The log and the admin have OSS's code.",
    "issuer_unavailable": "See whether the issuer of the tokens answers at `OIDC_ISSUER`; the page tries again.",
    "database_unavailable": "Start the database or the cache server; the page tries again.",
    "internal_error": "Look for the request id in the log, which has the traceback.",
}
"""What to do about each code of the backend."""


def notices() -> list[tuple[str, str]]:
    """Name and text of each reason to wait."""
    table = (ENGINE / "sentences.ts").read_text().partition("export const NOTICES")[2].partition("} as const")[0]
    return [(name, _unquoted(text)[0]) for name, text in NOTICE.findall(table)]


def failures() -> Iterator[tuple[str, str, str]]:
    """Title, detail and hint of each error that the engine words itself."""
    for name in TABLES:
        text = (ENGINE / name).read_text()
        for _, parts in ENTRY.findall(text):
            title, detail, hint = _unquoted(parts)
            if not title.startswith("{"):
                yield title, detail, hint
    for name in ALONE:
        for parts in CONSTANT.findall((ENGINE / name).read_text()):
            title, detail, hint = _unquoted(parts)
            yield title, detail, hint


def refusals() -> Iterator[tuple[str, str, str]]:
    """Title, code and advice of each error of the backend. Raises KeyError for a code without advice."""
    for kind in _kinds(errors.UploadError):
        yield str(kind.title), kind.code, ADVICE[kind.code]


def _kinds(kind: type[errors.UploadError]) -> Iterator[type[errors.UploadError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _kinds(child)


def _unquoted(text: str) -> list[str]:
    return [found.replace('\\"', '"') for found in STRING.findall(text)]
