"""The command line of `manage.py localoss` and of `python -m uploads.localoss`. Rule: it is parsed only here."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from uploads.localoss import account_rules
from uploads.localoss.config import DEMO_BUCKET, DEMO_KEY, DEMO_REGION, DEMO_ROLE, Config
from uploads.localoss.endpoints import KINDS, Kind
from uploads.localoss.extra import missing_packages
from uploads.localoss.faults import InvalidRules, Rule, load
from uploads.localoss.keys import AccessKey, Role
from uploads.localoss.policy import Policy, parse
from uploads.localoss.ram import Ram
from uploads.localoss.ram import parse as parse_ram


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every option of the server to `parser`, with its default."""
    _add_serving(parser)
    _add_access(parser)
    _add_behaviour(parser)


def _add_serving(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=9000, help="port; 0 takes a free one (default %(default)s)")
    add("--root", type=Path, default=Path("var/localoss"), help="data directory (default %(default)s)")
    bucket = (
        f"bucket to create if it is missing, in the region of the server or its own; repeatable (default {DEMO_BUCKET})"
    )
    add("--bucket", action="append", metavar="NAME[=REGION]", help=bucket)
    add("--base-domain", default="", metavar="D", help="serve buckets as bucket.D too")
    cname = "serve a bucket under a custom host name; repeatable"
    add("--cname", action="append", type=_host_and_bucket, default=[], metavar="HOST=BUCKET", help=cname)
    fsync = "write data to the disk before each answer, so that it survives a loss of power"
    add("--fsync", action="store_true", help=fsync)
    exit_with_stdin = "exit when standard input is closed, and so with the parent process"
    add("--exit-with-stdin", action="store_true", help=exit_with_stdin)


def _add_access(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--region", default=DEMO_REGION, help="region that signatures must name (default %(default)s)")
    add("--access-key-id", default=DEMO_KEY.id, help="(default %(default)s)")
    add("--access-key-secret", default=DEMO_KEY.secret, help="(default: the demo's)")
    foreign = "access key of another account, which may use all buckets; repeatable"
    add("--foreign-access-key", action="append", type=_pair, default=[], metavar="ID=SECRET", help=foreign)
    role = f"role that STS AssumeRole accepts; repeatable (default {DEMO_ROLE.arn})"
    add("--role", action="append", metavar="ARN", help=role)
    policy = "RAM policy of these roles, as JSON (default: all OSS actions)"
    add("--role-policy", type=_policy, default=DEMO_ROLE.policy, metavar="FILE", help=policy)
    add("--ram", type=_ram, default=Ram(), metavar="FILE", help="RAM users and roles with their policies, as JSON")


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    interval = "seconds between two runs of the lifecycle rules (default %(default)s)"
    add("--lifecycle-interval", type=float, default=3600.0, metavar="S", help=interval)
    anywhere = "allow upload callbacks to other machines than this one"
    add("--allow-callbacks-anywhere", action="store_true", help=anywhere)
    add("--faults", type=_faults, default=(), metavar="FILE", help="fault injection rules, as JSON")
    allow_faults = "accept PUT /-/faults, /-/account-rules and /-/ram, from this machine only"
    add("--allow-faults", action="store_true", help=allow_faults)
    rules = "rules for new accounts that hold: names separated by commas; 2026 stands for all of that year"
    add("--account-rules", type=_account_rules, default=frozenset(), metavar="NAMES", help=rules)
    kind = f"the kind of endpoint that a host name plays: {', '.join(KINDS)}; repeatable (default internal)"
    add("--endpoint-kind", action="append", type=_endpoint_kind, default=[], metavar="HOST=KIND", help=kind)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError("expected two values with = between them")
    return name, value


def _host_and_bucket(text: str) -> tuple[str, str]:
    host, bucket = _pair(text)
    return host.lower(), bucket


def _endpoint_kind(text: str) -> tuple[str, Kind]:
    host, kind = _pair(text)
    for known in KINDS:
        if kind == known:
            return host.lower(), known
    raise argparse.ArgumentTypeError(f"the kind must be one of {', '.join(KINDS)}")


def _account_rules(text: str) -> frozenset[str]:
    try:
        return account_rules.parse(name.strip() for name in text.split(",") if name.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _policy(path: str) -> Policy:
    try:
        return parse(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}") from error


def _ram(path: str) -> Ram:
    try:
        return parse_ram(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}") from error


def _faults(path: str) -> list[Rule]:
    try:
        return load(Path(path))
    except InvalidRules as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def config_from(options: Mapping[str, Any]) -> Config:
    """The configuration that the parsed options stand for."""
    buckets = [name.partition("=") for name in options["bucket"] or (DEMO_BUCKET,)]
    foreign = (AccessKey(name, secret, foreign=True) for name, secret in options["foreign_access_key"])
    return Config(
        root=options["root"],
        host=options["host"],
        port=options["port"],
        region=options["region"],
        buckets=tuple(name for name, *_ in buckets),
        regions={name: region for name, _, region in buckets if region and region != options["region"]},
        keys=(AccessKey(options["access_key_id"], options["access_key_secret"]), *foreign),
        base_domain=options["base_domain"].lower().strip("."),
        cnames=dict(options["cname"]),
        roles=tuple(Role(arn, options["role_policy"]) for arn in options["role"] or (DEMO_ROLE.arn,)),
        ram=options["ram"],
        faults=tuple(options["faults"]),
        callbacks_anywhere=options["allow_callbacks_anywhere"],
        allow_faults=options["allow_faults"],
        account_rules=options["account_rules"],
        endpoint_kinds=dict(options["endpoint_kind"]),
        lifecycle_interval=options["lifecycle_interval"],
        fsync=options["fsync"],
        exit_with_stdin=options["exit_with_stdin"],
    )


def run(options: Mapping[str, Any]) -> NoReturn:
    """Serve until a signal comes. A server that cannot start prints one line and exits with code 1."""
    if sentence := missing_packages():
        sys.exit(f"localoss: {sentence}")
    from uploads.localoss.server import StartError, serve

    try:
        serve(config_from(options))
    except StartError as error:
        sys.exit(f"localoss: {error}")
    sys.exit(0)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="localoss", description="Serve a local OSS and STS for development and tests."
    )
    add_arguments(parser)
    run(vars(parser.parse_args(arguments)))
