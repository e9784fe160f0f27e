"""The command line, for `manage.py localoss` and `python -m uploads.localoss` alike. Rule: parsed here alone."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from uploads.localoss.config import DEMO_BUCKET, DEMO_KEY, DEMO_REGION, DEMO_ROLE, Config
from uploads.localoss.faults import BadRules, Rule, load
from uploads.localoss.keys import AccessKey, Role
from uploads.localoss.policy import Policy, parse
from uploads.localoss.server import CannotStart, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port; 0 takes a free one (default %(default)s)")
    parser.add_argument("--root", type=Path, default=Path("var/localoss"), help="directory of the data (%(default)s)")
    parser.add_argument(
        "--bucket", action="append", metavar="NAME", help=f"bucket to create if missing; repeatable ({DEMO_BUCKET})"
    )
    parser.add_argument("--region", default=DEMO_REGION, help="region that signatures must name (%(default)s)")
    parser.add_argument("--access-key-id", default=DEMO_KEY.id, help="(default %(default)s)")
    parser.add_argument("--access-key-secret", default=DEMO_KEY.secret, help="(default: the demo's)")
    parser.add_argument(
        "--cname",
        action="append",
        type=_pair,
        default=[],
        metavar="HOST=BUCKET",
        help="serve a bucket under this host name",
    )
    parser.add_argument(
        "--lifecycle-interval",
        type=float,
        default=3600.0,
        metavar="S",
        help="seconds between lifecycle rounds (%(default)s)",
    )
    parser.add_argument(
        "--role", action="append", metavar="ARN", help=f"role that STS lends; repeatable ({DEMO_ROLE.arn})"
    )
    parser.add_argument(
        "--role-policy", type=_policy, default=DEMO_ROLE.policy, metavar="FILE", help="what these may do (all of OSS)"
    )
    parser.add_argument(
        "--allow-callbacks-anywhere",
        action="store_true",
        help="let upload callbacks reach other machines than this one",
    )
    parser.add_argument("--faults", type=_faults, default=(), metavar="FILE", help="JSON rules: what is to go wrong")
    parser.add_argument("--allow-faults", action="store_true", help="let this machine set such rules by PUT /-/faults")
    parser.add_argument("--base-domain", default="", metavar="D", help="serve buckets as bucket.D too")


def _pair(text: str) -> tuple[str, str]:
    host, equals, bucket = text.partition("=")
    if not (host and equals and bucket):
        raise argparse.ArgumentTypeError("expected HOST=BUCKET")
    return host.lower(), bucket


def _policy(path: str) -> Policy:
    try:
        return parse(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}") from error


def _faults(path: str) -> list[Rule]:
    try:
        return load(Path(path))
    except BadRules as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def config_from(options: Mapping[str, Any]) -> Config:
    """What was asked for."""
    return Config(
        root=options["root"],
        host=options["host"],
        port=options["port"],
        region=options["region"],
        buckets=tuple(options["bucket"] or (DEMO_BUCKET,)),
        keys=(AccessKey(options["access_key_id"], options["access_key_secret"]),),
        base_domain=options["base_domain"].lower().strip("."),
        cnames=dict(options["cname"]),
        roles=tuple(Role(arn, options["role_policy"]) for arn in options["role"] or (DEMO_ROLE.arn,)),
        faults=tuple(options["faults"]),
        callbacks_anywhere=options["allow_callbacks_anywhere"],
        allow_faults=options["allow_faults"],
        lifecycle_interval=options["lifecycle_interval"],
    )


def run(options: Mapping[str, Any]) -> NoReturn:
    """Serve; a start that fails is one line and exit code 1."""
    try:
        serve(config_from(options))
    except CannotStart as error:
        sys.exit(f"localoss: {error}")
    sys.exit(0)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    parser = argparse.ArgumentParser(prog="localoss", description="A local OSS server.")
    add_arguments(parser)
    run(vars(parser.parse_args(arguments)))
