"""Who asks: one client for each column of the table, and what the routes of the table need to exist."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from tests.services.test_services import send
from uploads import services
from uploads.admin import bulk_abort
from uploads.companion import capability
from uploads.models import CompanionRevocation, Kind, ObjectRemoval, Orphan, Upload, WebhookDelivery, orphan_id
from uploads.oss.client import OssClient
from uploads.services import UploadRequest

VIEW, ABORT, DELETE, REMOVALS = "view_upload", "abort_upload", "delete_upload", "view_objectremoval"
NAMED = {VIEW, ABORT, DELETE, REMOVALS}

ACTORS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "anonymous": ("nobody", lambda _: False),
    "owner": ("user", lambda _: False),
    "other": ("user", lambda _: False),
    "holder": ("user", lambda _: True),  # Every permission of the app, but not staff.
    "staff": ("staff", lambda _: False),
    "view": ("staff", lambda name: name == VIEW),
    "abort": ("staff", lambda name: name == ABORT),
    "delete": ("staff", lambda name: name == DELETE),
    "removals": ("staff", lambda name: name == REMOVALS),
    "rest": ("staff", lambda name: name not in NAMED),  # Every permission of the app that no other column has.
    "v+abort": ("staff", lambda name: name in (VIEW, ABORT)),
    "super": ("superuser", lambda _: False),
}
"""The columns: what the account is, and which of the app's permissions it has."""


def clients() -> dict[str, APIClient]:
    """A client for each actor, with a session where the actor has an account. Accounts have the actors' names."""
    permissions = list(Permission.objects.filter(content_type__app_label="uploads"))
    found = {}
    for name, (kind, has) in ACTORS.items():
        found[name] = APIClient()
        if kind == "nobody":
            continue
        user = get_user_model().objects.create_user(
            name, is_staff=kind in ("staff", "superuser"), is_superuser=kind == "superuser"
        )
        user.user_permissions.set([one for one in permissions if has(one.codename)])
        found[name].force_login(user)
    return found


class Things:
    """What the paths and bodies of the table name in braces. Each is made when it is first asked for."""

    def __init__(self, oss: OssClient) -> None:
        self._oss = oss
        self._owner = get_user_model().objects.get(username="owner")

    def _begin(self, size: int) -> Upload:
        return services.begin(
            self._owner, UploadRequest("default", "film.mp4", size, "video/mp4", relative_path="holiday/film.mp4")
        )

    @cached_property
    def _multipart(self) -> Upload:
        """Unfinished, with its first part at OSS, of which no row tells."""
        upload = self._begin(9_000_000)
        send(upload, 2)
        return upload

    @cached_property
    def upload(self) -> str:
        return str(self._multipart.pk)

    @cached_property
    def upload_id(self) -> str:
        return self._multipart.upload_id

    @cached_property
    def key(self) -> str:
        return self._multipart.key

    @cached_property
    def sent(self) -> str:
        """Unfinished, with all of its bytes at OSS."""
        upload = self._begin(5)
        send(upload)
        return str(upload.pk)

    @cached_property
    def _completed(self) -> Upload:
        upload = self._begin(6)
        send(upload)
        return services.complete(upload)

    @cached_property
    def completed(self) -> str:
        return str(self._completed.pk)

    @cached_property
    def stored(self) -> str:
        """The key of an object that the owner stored with credentials for the prefix, of which no row tells."""
        services.issue_prefix_credentials(self._owner, "default")
        key = f"uploads/{self._owner.pk}/own.bin"
        self._oss.put_object("demo-bucket", key, b"12345")
        return key

    @cached_property
    def type(self) -> str:
        """Django's number of the model of uploads."""
        return str(ContentType.objects.get_for_model(Upload).pk)

    @cached_property
    def removal(self) -> str:
        made = ObjectRemoval.objects.create(
            upload=self._completed.pk,
            destination="default",
            bucket=self._completed.bucket,
            reason="object",
            requested_at=timezone.now(),
            look_until=timezone.now(),
        )
        return str(made.pk)

    @cached_property
    def webhook(self) -> str:
        """A dead delivery."""
        made = WebhookDelivery.objects.create(
            endpoint="shop", upload=self._completed.pk, event="upload.completed", body="{}", ending="dead"
        )
        return str(made.pk)

    @cached_property
    def capability(self) -> str:
        return capability.issue(self._owner, "default")[0]

    @cached_property
    def others_capability(self) -> str:
        return capability.issue(get_user_model().objects.get(username="other"), "default")[0]

    @cached_property
    def found(self) -> str:
        """A multipart upload without a row that the sweep has found."""
        upload_id, key = self.orphan().split(":")
        made = Orphan.objects.create(
            id=orphan_id("demo-bucket", key, upload_id), kind=Kind.MULTIPART, bucket="demo-bucket", key=key,
            upload_id=upload_id, destination="default", bytes=0, began_at=timezone.now(), seen_at=timezone.now(),
        )  # fmt: skip
        return str(made.pk)

    def orphan(self) -> str:
        """A new multipart upload without a row, as the admin's page names it."""
        key = "uploads/orphan.bin"
        return f"{self._oss.initiate('demo-bucket', key)}:{key}"

    def job(self, client: APIClient, *, confirmed: bool) -> str:
        """The token of a bulk abort of `upload` in the session of this client; made up where it has none."""
        if "sessionid" not in client.cookies:
            return "nothing"
        session = client.session
        request: Any = type("Request", (), {"session": session})()
        token = bulk_abort.begin(request, [(self.upload, 0)])
        if confirmed:
            session[bulk_abort.SESSION_KEY][token]["confirmed"] = True
        session.save()
        return token


@cache
def _statements() -> list[str]:
    """Written once: for each of two thousand requests Django takes longer to write them than SQLite to answer."""
    rows = (
        Upload.objects.values_list("pk", "state", "updated_at", "bytes_done"),
        ObjectRemoval.objects.values_list("pk", "attempts", "due_at"),
        Orphan.objects.values_list("pk", "due_at", "gone_at"),
        WebhookDelivery.objects.values_list("pk", "due_at", "body"),
        CompanionRevocation.objects.values_list("pk", "at"),
    )
    return [str(each.order_by("pk").query) for each in rows]


def traces() -> Any:
    """What a request may change in the database, besides sessions."""
    found = []
    with connection.cursor() as cursor:
        for statement in _statements():
            cursor.execute(statement)
            found.append(cursor.fetchall())
    return found


def job_of(client: APIClient) -> Any:
    """The bulk abort in the session of this client."""
    return client.session.get(bulk_abort.SESSION_KEY) if "sessionid" in client.cookies else None
