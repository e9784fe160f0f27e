"""The overwrite protection of a bucket: kept, refused when not valid, and obeyed by every way to write an object."""

import pytest

from tests.localoss.support import Wire, refused

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
