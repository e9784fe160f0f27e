"""The doctor: checks the live configuration and suggests a fix for each problem.

Rule: a finding about OSS comes from a request to OSS (a call, a preflight, a role assumed, an upload made, a callback
made), never from the settings alone; so does one about the issuer of tokens, and about a receiver of webhooks. What a
check writes is removed again. A check that depends on a failed one is left out, so that a broken set-up has one FAIL,
whose fix mends it.
"""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

from uploads.conf import settings
from uploads.domain.places import Place
from uploads.domain.setting_names import renamed
from uploads.operations.doctor import credentials, site, storage, webhooks
from uploads.operations.doctor.finding import Finding

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """All findings, one at a time, the fastest checks first. A check that depends on a failed one is left out."""
    broken = list(site.check_settings())
    yield from broken or [Finding("ok", "settings", "complete and well-formed")]
    yield from site.check_database()
    yield from site.check_cache()
    if broken:
        return
    yield from site.check_metrics()
    yield from _examine_issuer()
    yield from webhooks.check_webhooks()
    yield from _examine_places()


def _examine_issuer() -> Iterator[Finding]:
    if settings.oidc is not None and find_spec("jwt"):
        from uploads.operations.doctor.issuer import check_issuer  # It needs PyJWT.

        yield from check_issuer(settings.oidc)


def _examine_places() -> Iterator[Finding]:
    """The credentials of each account, the buckets where OSS accepts them, and the roles."""
    places = {settings.place(name): destinations for name, destinations in settings.buckets.items()}
    accounts = {replace(place, name="", bucket=""): place for place in reversed(places)}
    usable: dict[Place, bool] = {}
    failed: dict[Place, Place] = {}
    for account, place in accounts.items():
        finding = _named(credentials.check_credentials(place), place)
        usable[account] = finding.level != "FAIL"
        yield replace(finding, name=f"{finding.name} of {place}") if len(accounts) > 1 else finding
    for place, destinations in places.items():
        account = replace(place, name="", bucket="")
        if usable[account]:
            for finding in storage.check_bucket(place, destinations):
                if finding.level == "FAIL":
                    usable[account], failed[account] = False, place
                yield _named(finding, place)
        elif account in failed:
            text = f"not examined, because a check of {failed[account]} failed, which has the same credentials"
            yield Finding("warn", f"bucket {place}", text, "Mend that first, then run the doctor again.")
    for account, place in accounts.items():
        if usable[account]:
            found = [_named(each, place) for each in credentials.check_role(place)]
            yield from (replace(each, name=f"{each.name} of {place}") if len(accounts) > 1 else each for each in found)


def _named(finding: Finding, place: Place) -> Finding:
    """The finding with the names that the settings of this place have."""
    return replace(finding, cure=renamed(finding.cure, place.setting_names))
