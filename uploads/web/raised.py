"""The errors that each use case raises, for the description of the API.

Rule: every error that a client of the API receives is named here or derived in `openapi.py`. The tests compare the
problems that the API answers with the description.
"""

from uploads.domain.errors import (
    Conflict,
    DeletionNotAllowed,
    Forbidden,
    InvalidUpload,
    NotFoundError,
    NotOffered,
    ObjectMismatch,
    OverQuota,
    PartsMissing,
    PartsRefused,
    Rejected,
    StorageBusy,
    StorageRefused,
    TooLarge,
    UploadError,
    UploadGone,
    WrongState,
)

Kinds = tuple[type[UploadError], ...]

STORAGE: Kinds = (StorageBusy, StorageRefused)
PERMIT: Kinds = (InvalidUpload, Forbidden)
BEGIN: Kinds = (*PERMIT, TooLarge, OverQuota, *STORAGE)
SIGN: Kinds = (*PERMIT, TooLarge, OverQuota, WrongState, NotOffered, *STORAGE)
COMPLETE: Kinds = (
    InvalidUpload,
    TooLarge,
    OverQuota,
    WrongState,
    Conflict,
    PartsMissing,
    PartsRefused,
    ObjectMismatch,
    UploadGone,
    Rejected,
    *STORAGE,
)
ABORT: Kinds = (Forbidden, DeletionNotAllowed, WrongState, *STORAGE)
CREDENTIALS: Kinds = (*PERMIT, NotOffered, *STORAGE)
REGISTER: Kinds = (*PERMIT, NotOffered, NotFoundError, TooLarge, OverQuota, ObjectMismatch, *STORAGE)
