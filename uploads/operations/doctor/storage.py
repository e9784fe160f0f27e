"""Checks of one bucket: its region, its address for browsers, its rules, and uploads to its destinations."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product

from uploads.conf import settings
from uploads.connection import oss_client, oss_clock
from uploads.domain.destination import Destination
from uploads.domain.places import Place
from uploads.operations import lifecycle_rules, overwrite_rules
from uploads.operations.doctor.bucket_settings import check_settings
from uploads.operations.doctor.callbacks import check_callback
from uploads.operations.doctor.finding import CONFIGURE, SITE_POLICY, Finding, failed, until_failed
from uploads.operations.doctor.session_trial import check_credentials_of
from uploads.operations.doctor.trial import ADDRESS_CURE, CURES, check_upload
from uploads.operations.lifecycle_rules import DELETES, DROP, EMPTY
from uploads.operations.needed_rules import days_until_abort, days_until_expiry, protected_prefixes, upload_days
from uploads.operations.overwrite_rules import FORBIDS
from uploads.oss import lifecycle, overwrite
from uploads.oss.browser import CorsRefused, Page
from uploads.oss.bucket_info import BucketInfo
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Denied, NotFound, OssError, StorageError

UNREADABLE_OVERWRITE = (
    "Grant oss:GetBucketOverwriteConfig and oss:PutBucketOverwriteConfig, if OSS offers it in this region."
)
SKEW_SECONDS = 60
"""A server with NTP is never one minute off."""


def check_bucket(place: Place, destinations: Sequence[Destination]) -> Iterator[Finding]:
    """All findings about a bucket. What depends on a failed check is left out."""
    client = oss_client(place)
    try:
        info = client.bucket_info(place.bucket)
        _, date = client.bucket_region(place.bucket)
    except StorageError as error:
        is_denied = isinstance(error, OssError) and error.code == "AccessDenied"
        yield failed(f"bucket {place}", error, SITE_POLICY if is_denied else "")
        return
    yield from until_failed(
        _region(place, info),
        [_clock(place, date)],
        check_address(place, info),
        _cors(place),
        check_settings(client, place, destinations, info),
        _lifecycle(place, destinations),
        _overwriting(place, destinations),
        _acl(place, destinations[0].prefixes[-1]),
        (finding for each in destinations for finding in _try_destination(place, each)),
    )


def _region(place: Place, info: BucketInfo) -> Iterator[Finding]:
    if info.region == place.region:
        yield Finding("ok", f"bucket {place}", f"exists in {info.region}")
        return
    text = f"is in {info.region}, not in {place.region}"
    cure = (
        f"Set OSS_REGION to {info.region} and OSS_ENDPOINT to that region's, {info.public_endpoint}, "
        f"or set OSS_BUCKET to a bucket in {place.region}."
    )
    yield Finding("FAIL", f"bucket {place}", text, cure)


def _clock(place: Place, date: datetime) -> Finding:
    """`date`: the time at OSS, a moment ago."""
    skew = (date - oss_clock(place).local()).total_seconds()
    if abs(skew) > SKEW_SECONDS:
        direction = "behind" if skew > 0 else "ahead of"
        text = f"is {abs(skew):.0f} s {direction} OSS's; requests are signed with OSS's time, up to 24 hours off"
        return Finding("warn", "clock", text, "Synchronise the server's clock by NTP.")
    return Finding("ok", "clock", "agrees with OSS's")


def check_address(place: Place, info: BucketInfo) -> Iterator[Finding]:
    """That each address for browsers is OSS's, and this bucket's: a signature is valid for one bucket."""
    yield from _address(place, info, place.endpoint, "OSS_ENDPOINT", f"public address of {place}")
    for endpoint in place.more_endpoints:
        name = f"public address {endpoint.origin(place.bucket)} of {place}"
        yield from _address(place, info, endpoint, "OSS_MORE_ENDPOINTS", name)


def _address(place: Place, info: BucketInfo, endpoint: Endpoint, setting: str, name: str) -> Iterator[Finding]:
    cure = (
        f"Set {setting} to an address at which browsers reach the bucket, such as {info.public_endpoint}. "
        "If it is right, and this machine has no way to it, run the doctor on one that has."
    )
    try:
        with Page("") as page:
            page.probe(endpoint.url_of(place.bucket))
        with OssClient(endpoint, place.region, place.credentials, clock=oss_clock(place)) as public:
            public.bucket_info(place.bucket)
    except OssError as error:
        yield failed(name, error, CURES.get(error.code, ADDRESS_CURE))
    except StorageError as error:
        yield failed(name, error, cure)
    else:
        yield Finding("ok", name, f"OSS answers at {endpoint.origin(place.bucket)}")


def _cors(place: Place) -> Iterator[Finding]:
    """By a real preflight and a read at each address for browsers, for each origin."""
    if not settings.origins:
        yield Finding("warn", "CORS", "not checked: no origin is set", "Set UPLOADS_ORIGINS to the pages' origins.")
    for origin, endpoint in product(settings.origins, place.addresses):
        at = f" at {endpoint.origin(place.bucket)}" if endpoint in place.more_endpoints else ""
        name = f"CORS of {place}{at} for {origin}"
        try:
            with Page(origin) as page:
                exposed = page.exposed_headers(endpoint.url_of(place.bucket, "doctor"))
        except CorsRefused:
            yield Finding("FAIL", name, "OSS refuses a preflight for PUT: pages there cannot upload", CONFIGURE)
            continue
        except StorageError as error:
            yield failed(name, error)
            continue
        if "etag" not in exposed:
            yield Finding("FAIL", name, "ETag is not exposed: most clients cannot complete an upload", CONFIGURE)
        elif not {"x-oss-request-id", "x-oss-hash-crc64ecma"} <= exposed:
            text = "the request id and CRC64 are not exposed: errors are hard to trace, and parts are not verified"
            yield Finding("warn", name, text, CONFIGURE)
        else:
            yield Finding("ok", name, "pages may upload, and read the headers that they need")


def _try_destination(place: Place, destination: Destination) -> Iterator[Finding]:
    """An upload as the server and a page make it; one with temporary credentials, if it issues them; its callback."""
    origin = settings.origins[0] if settings.origins else ""
    found = check_upload(place, destination, origin)
    yield found
    if found.level == "FAIL":
        return
    if destination.credentials and place.role:
        yield check_credentials_of(place, destination, origin)
    if destination.callback:
        yield check_callback(place, destination)


def _lifecycle(place: Place, destinations: Sequence[Destination]) -> Iterator[Finding]:
    """That the bucket has the rules that configure_bucket gives it: those of all its places, joined with others'."""
    try:
        document = oss_client(place).get_lifecycle(place.bucket)
    except StorageError as error:
        yield failed(f"lifecycle of {place}", error)
        return
    rules = lifecycle.read(document) if document else ()
    needing = settings.destinations_in(place)
    aborts, expirations = days_until_abort(needing), days_until_expiry(needing)
    found = lifecycle_rules.fitting(document, needing)
    # The rule that a conflict is about may be for a prefix around the one that is needed.
    conflicts = {
        prefix: why
        for outer, why in found.conflicts.items()
        for prefix in (*aborts, *expirations)
        if prefix.startswith(outer)
    }

    def examine(prefix: str, action: str, name: str, done: str, missing: str) -> Finding:
        if lifecycle_rules.covered(rules, prefix, action):
            return Finding("ok", name, done)
        return Finding("warn", name, missing, conflicts.get(prefix, CONFIGURE))

    for prefix in _of(expirations, destinations):
        name = f"staging prefix {prefix} of {place}"
        done, missing = "OSS deletes staged objects that are left", "no rule deletes staged objects that are left"
        yield examine(prefix, lifecycle.EXPIRATION, name, done, missing)
    yield from _early_aborts(place, destinations, [rule for rule in rules if rule.enabled and rule.abort])
    for prefix in _of(aborts, destinations):
        name = f"lifecycle of {place} for {prefix or 'all keys'}"
        missing = "no rule aborts stale uploads: parts that the sweep misses cost money until somebody aborts them"
        yield examine(prefix, lifecycle.ABORT, name, "OSS aborts stale uploads", missing)
    for prefix, names in found.dangers.items():
        text = DELETES.format(names=names)
        yield Finding("warn", f"lifecycle of {place} for {prefix}", text, DROP.format(prefix=prefix))


def _of(prefixes: Iterable[str], destinations: Sequence[Destination]) -> list[str]:
    """Those of these prefixes, which are for a whole bucket, that the destinations of one place write below."""
    written = [prefix for each in destinations for prefix in each.prefixes]
    return [outer for outer in prefixes if any(prefix.startswith(outer) for prefix in written)]


def _overwriting(place: Place, destinations: Sequence[Destination]) -> Iterator[Finding]:
    """That nobody can replace a completed upload, with whichever credentials, where no destination allows it."""
    needing = settings.destinations_in(place)
    prefixes = _of(protected_prefixes(needing), destinations)
    if not prefixes and all(each.forbid_overwrite for each in destinations):
        return
    try:
        document = oss_client(place).get_overwrite(place.bucket)
    except OssError as error:
        if error.retryable:
            yield failed(f"overwriting in {place}", error)
        elif prefixes:
            text = f"cannot be checked: {error.message.rstrip('.')} ({error.code})"
            yield Finding("warn", f"overwriting in {place}", text, UNREADABLE_OVERWRITE)
        return
    rules = [rule for rule in (overwrite.read(document) if document else ()) if not (rule.suffix or rule.principals)]
    for prefix in prefixes:
        name = f"overwriting in {place} for {prefix or 'all keys'}"
        if any(prefix.startswith(rule.prefix) for rule in rules):
            yield Finding("ok", name, "OSS keeps completed uploads as they are")
        else:
            text = "no rule forbids it: temporary credentials can replace a completed upload until they expire"
            yield Finding("warn", name, text, CONFIGURE)
    for prefix, names in overwrite_rules.protection(document, needing).dangers.items():
        name, text = f"overwriting in {place} for {prefix or 'all keys'}", FORBIDS.format(names=names)
        yield Finding("warn", name, text, DROP.format(prefix=prefix or EMPTY))


def _acl(place: Place, prefix: str) -> Iterator[Finding]:
    """That the ACL of an object can be read, by asking for that of an object that does not exist."""
    name = f"object ACLs of {place}"
    try:
        oss_client(place).get_object_acl(place.bucket, f"{prefix}doctor-{uuid.uuid4().hex}")
    except NotFound:
        pass
    except Denied:
        text = "cannot be read: an object that was made public on its way is not found"
        yield Finding("warn", name, text, "Grant oss:GetObjectAcl to the site's key. " + SITE_POLICY)
        return
    except StorageError as error:
        yield failed(name, error)
        return
    yield Finding("ok", name, "can be read")


def _early_aborts(
    place: Place, destinations: Sequence[Destination], rules: Sequence[lifecycle.Rule]
) -> Iterator[Finding]:
    """Rules, of whomever, by which OSS aborts an upload before it is stale. OSS counts from the begin of the upload."""
    for rule in rules:
        cut = [
            each
            for each in destinations
            if (each.prefix.startswith(rule.prefix) or rule.prefix.startswith(each.prefix))
            and _aborts_within(rule, upload_days(each))
        ]
        if cut:
            when = f"after {rule.abort.days} days" if rule.abort and rule.abort.days else "that began before a date"
            names = ", ".join(f"{each.name} ({upload_days(each)} days)" for each in cut)
            text = (
                f"rule {rule.id or '(no ID)'} for {rule.prefix or 'all keys'} aborts uploads {when}; may take: {names}"
            )
            cure = "Let the rule wait longer or exclude this prefix, or lower upload_expires. " + CONFIGURE
            yield Finding("warn", f"lifecycle rule {rule.id} of {place}", text, cure)


def _aborts_within(rule: lifecycle.Rule, days: int) -> bool:
    """A rule with a date in the past aborts no upload that begins now."""
    if rule.abort is None:
        return False
    if rule.abort.before is not None:
        return rule.abort.before > datetime.now(UTC)
    return rule.abort.days is not None and rule.abort.days <= days
