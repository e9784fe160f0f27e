"""The overwrite protection of a bucket: kept, refused when not valid, and obeyed by every way to write an object."""

import pytest

from tests.localoss.support import Wire, refused
from uploads.localoss.config import DEMO_OWNER
from uploads.oss import markup

QUERY = [("overwriteConfig", "")]


def rules(*each: str) -> bytes:
    document = "".join(f"<Rule><ID>{number}</ID>{rule}</Rule>" for number, rule in enumerate(each))
    return f"<OverwriteConfiguration>{document}</OverwriteConfiguration>".encode()


UPLOADS = "<Action>forbid</Action><Prefix>uploads/</Prefix>"


def test_the_rules_are_kept_replaced_and_deleted(wire: Wire) -> None:
    refused(wire.call("GET", query=QUERY), 404, "NoSuchBucketOverwriteConfig")
    for document in (rules(UPLOADS), rules(UPLOADS, "<Action>forbid</Action><Suffix>.log</Suffix>")):
        assert wire.call("PUT", query=QUERY, content=document).status_code == 200
        assert wire.call("GET", query=QUERY).content == document
    assert wire.call("DELETE", query=QUERY).status_code == 204
    refused(wire.call("GET", query=QUERY), 404, "NoSuchBucketOverwriteConfig")


@pytest.mark.parametrize(
    "document",
    [
        b"<OverwriteConfiguration/>",
        b"<Overwrite/>",
        b"no XML",
        rules("<Action>allow</Action>"),
        rules("<Prefix>a</Prefix>"),
        rules(f"<Action>forbid</Action><Prefix>{'x' * 1024}</Prefix>"),
        rules(*["<Action>forbid</Action>"] * 101),
    ],
)
def test_rules_that_are_not_valid_change_nothing(wire: Wire, document: bytes) -> None:
    wire.call("PUT", query=QUERY, content=rules(UPLOADS))
    refused(wire.call("PUT", query=QUERY, content=document), 400, "MalformedXML")
    assert wire.call("GET", query=QUERY).content == rules(UPLOADS)


def test_every_way_to_replace_an_object_is_refused(wire: Wire) -> None:
    wire.call("PUT", query=QUERY, content=rules(UPLOADS))
    for key in ("uploads/a", "other"):
        assert wire.call("PUT", key, content=b"first").status_code == 200
    refused(wire.call("PUT", "uploads/a", content=b"second"), 409, "FileAlreadyExists")
    copied = wire.call("PUT", "uploads/a", headers={"x-oss-copy-source": f"/{wire.bucket}/other"})
    refused(copied, 409, "FileAlreadyExists")
    started = wire.call("POST", "uploads/a", [("uploads", "")])
    identifier = started.text.partition("<UploadId>")[2].partition("<")[0]
    wire.call("PUT", "uploads/a", [("partNumber", "1"), ("uploadId", identifier)], content=b"second")
    completed = wire.call("POST", "uploads/a", [("uploadId", identifier)], headers={"x-oss-complete-all": "yes"})
    refused(completed, 409, "FileAlreadyExists")
    assert "0042-00000214" in completed.text
    assert wire.call("GET", "uploads/a").content == b"first"
    assert wire.call("PUT", "other", content=b"second").status_code == 200


def test_an_object_may_be_deleted_and_written_again(wire: Wire) -> None:
    wire.call("PUT", query=QUERY, content=rules(UPLOADS))
    wire.call("PUT", "uploads/a", content=b"first")
    assert wire.call("DELETE", "uploads/a").status_code == 204
    assert wire.call("PUT", "uploads/a", content=b"second").status_code == 200


def test_prefix_and_suffix_must_both_match_and_a_rule_for_others_binds_nobody_here(wire: Wire) -> None:
    both = "<Action>forbid</Action><Prefix>a</Prefix><Suffix>z</Suffix>"
    theirs = "<Action>forbid</Action><Prefix>q</Prefix><Principals><Principal>27</Principal></Principals>"
    wire.call("PUT", query=QUERY, content=rules(both, theirs))
    statuses = {key: [wire.call("PUT", key).status_code for _ in range(2)][1] for key in ("abz", "ab", "bz", "q")}
    assert statuses == {"abz": 409, "ab": 200, "bz": 200, "q": 200}


def test_a_rule_may_name_everybody_or_the_account(wire: Wire) -> None:
    everybody = "<Action>forbid</Action><Prefix>e</Prefix><Principals><Principal>*</Principal></Principals>"
    owner = f"<Action>forbid</Action><Prefix>o</Prefix><Principals><Principal>{DEMO_OWNER}</Principal></Principals>"
    wire.call("PUT", query=QUERY, content=rules(everybody, owner))
    statuses = {key: [wire.call("PUT", key).status_code for _ in range(2)][1] for key in ("e", "o", "x")}
    assert statuses == {"e": 409, "o": 409, "x": 200}


def test_ids_are_unique_and_made_where_they_are_missing(wire: Wire) -> None:
    document = b"<OverwriteConfiguration>" + b"<Rule><Action>forbid</Action></Rule>" * 2 + b"</OverwriteConfiguration>"
    assert wire.call("PUT", query=QUERY, content=document).status_code == 200
    shown = markup.parse(wire.call("GET", query=QUERY).content)
    identifiers = [element.text or "" for element in shown.iterfind("Rule/ID")]
    assert [len(identifier) for identifier in identifiers] == [36, 36]
    assert len(set(identifiers)) == 2
    twice = b"<Rule><ID>a</ID><Action>forbid</Action></Rule>" * 2
    document = b"<OverwriteConfiguration>" + twice + b"</OverwriteConfiguration>"
    refused(wire.call("PUT", query=QUERY, content=document), 400, "InvalidArgument")


def test_versioning_makes_the_rules_void(wire: Wire) -> None:
    """As with x-oss-forbid-overwrite: nothing is lost when an object gets another version."""
    wire.call("PUT", query=QUERY, content=rules(UPLOADS))
    wire.put("uploads/a", b"first")
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    wire.call("PUT", query=[("versioning", "")], content=body)
    version = wire.put("uploads/a", b"second").headers["x-oss-version-id"]
    assert wire.call("GET", "uploads/a", [("versionId", "null")]).content == b"first"
    assert wire.call("GET", "uploads/a", [("versionId", version)]).content == b"second"
