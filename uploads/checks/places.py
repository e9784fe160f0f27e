"""Wrong places in the settings: entries of BUCKETS, and endpoints that cannot be right.

Rule: what the name of an endpoint says is compared with the other settings; no name is resolved. Names that are not
Alibaba Cloud's (custom domains, Apsara Stack, the local OSS server) are only compared with the bucket.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning

from uploads.conf import settings
from uploads.domain.places import KEYS, Place
from uploads.domain.setting_names import renamed
from uploads.oss.endpoint import Endpoint
from uploads.oss.public_cloud import CloudHost, is_private, recognize

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", re.ASCII)
"""Manual, "Bucket naming": https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions."""
ORIGIN = re.compile(r"https?://[^/\s]+")
ROLE_ARN = re.compile(r"acs:ram::\d+:role/[\w.@-]+", re.ASCII)


def wrong_domain(text: str, hint: str = "Add the bucket to BUCKETS, with an endpoint of its own.") -> CheckMessage:
    """A bucket that its endpoint, a custom domain, does not reach."""
    return Error(text, hint=hint, id="uploads.E083")


def check_places() -> list[CheckMessage]:
    """Every mistake in BUCKETS, in the endpoints, and in what destinations say of their buckets."""
    try:
        entries = settings.named_buckets
    except ValueError as error:
        hint = "Set a dict such as {'films': {'endpoint': …, 'region': …, 'bucket': …}}."
        return [_malformed(f"{error}.", hint)]
    try:
        default = settings.default_place
    except ValueError:
        return []  # Another check reports it.
    found: list[CheckMessage] = [*_endpoints(default)]
    for name, values in entries.items():
        found += _entry(name, values)
    return [*found, *_destinations(), *_repeated()]


def _entry(name: object, values: Mapping[str, Any]) -> list[CheckMessage]:
    label = f"BUCKETS[{name!r}]"
    texts = {key: value for key, value in values.items() if key not in ("credentials", "more_endpoints")}
    wrong = sorted(str(key) for key, value in texts.items() if key not in KEYS or not isinstance(value, str))
    if not _are_texts(values.get("more_endpoints", ())):
        wrong.append("more_endpoints, which is no list of texts")
    if wrong or not (isinstance(name, str) and name):
        text = f"{label} has unknown keys, or values that are no texts: {', '.join(wrong) or 'its name'}."
        return [_malformed(text, f"The keys are {', '.join(KEYS)}.")]
    try:
        place = settings.place(str(name))
    except ValueError as error:
        problems, more = [(f"{label}, {error}.", ENTRY_HINT)], []
    else:
        problems, more = list(_problems(label, place)), list(_endpoints(place))
    return [*(Error(text, hint=hint, id="uploads.E081") for text, hint in problems), *more]


def _are_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)


def _malformed(text: str, hint: str) -> CheckMessage:
    """Something that cannot be read at all."""
    return Error(text, hint=hint, id="uploads.E080")


def _problems(label: str, place: Place) -> Iterator[tuple[str, str]]:
    """What is wrong in an entry that can be read, and a hint."""
    if not BUCKET_NAME.fullmatch(place.bucket):
        hint = "Set 'bucket' to the bucket's name at OSS. Without it, the name of the entry is taken."
        yield f"{label}, bucket: {place.bucket!r} is not the name of a bucket.", hint
    if place.region.startswith("oss-"):
        hint = f"Set {place.region.removeprefix('oss-')}."
        yield f"{label}, region: it must be the region's id, without oss-.", hint
    if place.role and not ROLE_ARN.fullmatch(place.role):
        hint = "Set acs:ram::<account id>:role/<name>, as the RAM console shows it."
        yield f"{label}, role: {place.role!r} is not the ARN of a role.", hint
    if not ORIGIN.fullmatch(place.sts_endpoint):
        hint = "Set https://sts.cn-hangzhou.aliyuncs.com, or leave it out."
        yield f"{label}, sts_endpoint: {place.sts_endpoint!r} is not scheme://host[:port].", hint


ENTRY_HINT = (
    "Set endpoint and region, or neither for a bucket beside OSS_BUCKET. credentials has the values of CREDENTIALS, "
    "such as 'ecs_ram_role'; left out, those of the site are used."
)


# Endpoints


def _endpoints(place: Place) -> Iterator[CheckMessage]:
    yield from _endpoint(place, place.endpoint, "OSS_ENDPOINT")
    if place.internal_endpoint != place.endpoint:
        yield from _endpoint(place, place.internal_endpoint, "OSS_INTERNAL_ENDPOINT")
    for endpoint in place.more_endpoints:
        yield from _endpoint(place, endpoint, "OSS_MORE_ENDPOINTS")
        yield from _only_inside(place, endpoint)


def _endpoint(place: Place, endpoint: Endpoint, setting: str) -> Iterator[CheckMessage]:
    host = urlsplit(endpoint.url).hostname or ""
    label, cloud, is_public = renamed(setting, place.setting_names), recognize(host), endpoint in place.addresses
    if cloud is not None and cloud.kind == "s3":
        hint = f"Set {_own(host)}: OSS's own API has other signatures and answers than that of Amazon S3."
        yield Error(f"{label}: {host} is OSS's endpoint for clients of Amazon S3.", hint=hint, id="uploads.E089")
        return
    if cloud is not None and cloud.kind == "internal" and is_public:
        text = f"{label}: browsers on the internet do not reach {host}, which is internal to Alibaba Cloud."
        hint = "Set the public endpoint or a custom domain here, and this one as the internal endpoint. " + INSIDE
        yield Error(text, hint=hint, id="uploads.E084")
    yield from _bucket_in(place, endpoint, host, label)
    yield from _region(place, cloud, label)
    yield from _plain_http(place, endpoint, cloud, label)
    if cloud is not None and endpoint.addressing == "path":
        text = f"{label}: OSS refuses path-style URLs (SecondLevelDomainForbidden)."
        yield Error(text, hint="Set the addressing to virtual, or leave it out.", id="uploads.E088")


INSIDE = "If all browsers are inside its network, silence this check: SILENCED_SYSTEM_CHECKS = ['uploads.E084']."


def _only_inside(place: Place, endpoint: Endpoint) -> Iterator[CheckMessage]:
    """A private address beside a public one: of a page on the internet, the browser would ask for its permission."""
    first, host = (urlsplit(each.url).hostname or "" for each in (place.endpoint, endpoint))
    if is_private(host) and not is_private(first):
        label = renamed("OSS_MORE_ENDPOINTS", place.setting_names)
        text = f"{label}: browsers on the internet do not reach {host}, which is a private address."
        yield Error(text, hint="Name only public endpoints of the bucket, or private ones only.", id="uploads.E090")


def _own(host: str) -> str:
    return f"https://{host[host.index('s3.') + 3 :]}"


def _bucket_in(place: Place, endpoint: Endpoint, host: str, label: str) -> Iterator[CheckMessage]:
    """A bucket's name in front of the endpoint, or none where the endpoint must be that of one bucket."""
    cloud = recognize(host)
    inside = cloud.bucket if cloud else ""
    if endpoint.addressing != "cname":
        if not inside and place.bucket and host.startswith(f"{place.bucket}."):
            inside = place.bucket
        if inside:
            text = f"{label}: {host} has a bucket in front of the endpoint, and the bucket would be put there again."
            hint = f"Set {urlsplit(endpoint.url).scheme}://{host.removeprefix(f'{inside}.')}."
            yield Error(text, hint=hint, id="uploads.E085")
    elif cloud and inside != place.bucket:
        text = f"{label}: with cname it must be the domain of the bucket {place.bucket}, and {host} is not."
        yield wrong_domain(text, "Set the custom domain of the bucket, or virtual addressing.")


def _region(place: Place, cloud: CloudHost | None, label: str) -> Iterator[CheckMessage]:
    told, region = cloud.region if cloud else "", place.region
    if told and region and told != region and not region.startswith("oss-"):
        text = f"{label} is in the region {told}, and the region is set to {region}."
        hint = "Set endpoint and region to those of the bucket: signatures name the region."
        yield Error(text, hint=hint, id="uploads.E086")


def _plain_http(place: Place, endpoint: Endpoint, cloud: CloudHost | None, label: str) -> Iterator[CheckMessage]:
    host = urlsplit(endpoint.url).hostname or ""
    if not endpoint.url.startswith("http://") or is_private(host) or (cloud and cloud.kind == "internal"):
        return
    text = f"{label}: {endpoint.url} is a public address without encryption."
    hint = "Set https://. Others could read files and signatures on their way, and browsers refuse it on https pages."
    if cloud or endpoint in place.more_endpoints:
        yield Error(text, hint=hint, id="uploads.E087")
    else:
        yield Warning(
            text, hint=hint + " Ignore this if the name is only known in your own network.", id="uploads.W081"
        )


# What destinations name


def _destinations() -> Iterator[CheckMessage]:
    try:
        destinations = settings.destinations.values()
    except ValueError:
        return  # Another check reports it.
    for destination in destinations:
        name, label = destination.bucket, f"Destination {destination.name!r}, bucket"
        if not isinstance(name, str):
            yield _malformed(f"{label}: {name!r} is not a text.", "Set a name in BUCKETS.")
        elif name and name not in settings.named_buckets:
            try:
                settings.place(name)
            except ValueError as error:
                yield wrong_domain(f"{label}: {error}.")
                continue
            if settings.named_buckets:
                text = f"{label}: {name!r} is not in BUCKETS, so it is taken for a bucket beside OSS_BUCKET."
                hint = f"Correct it, or add it to BUCKETS: {{{name!r}: {{}}}}."
                yield Warning(text, hint=hint, id="uploads.W082")


def _repeated() -> Iterator[CheckMessage]:
    """Buckets of the same name in two places. A row knows its bucket and its destination, and no more."""
    places: set[Place] = set()
    for name in ("", *settings.named_buckets):
        try:
            places.add(settings.place(name))
        except ValueError:
            continue
    counts = Counter(place.bucket for place in places)
    for bucket in sorted(bucket for bucket, count in counts.items() if count > 1):
        text = f"Several places have a bucket of the name {bucket!r}: an upload is found by its destination alone."
        hint = "Do not rename or move a destination that uploads to it, or give the buckets different names."
        yield Warning(text, hint=hint, id="uploads.W080")
