"""AssumeRole, and temporary credentials at OSS."""

from dataclasses import replace

from tests.live.answers import Answer
from tests.live.expectations import ANY, Expected, accepted, refused
from tests.live.scene import SMALL, Scene
from tests.live.statement import EC_PAGES, ROLE, Topic
from uploads.oss import policy
from uploads.oss.sts import AssumeRole

TOPIC = say = Topic("sts", "https://www.alibabacloud.com/help/en/ram/api-assumerole", ROLE)


def ask(scene: Scene, **changed: object) -> Answer:
    """The answer to AssumeRole. `changed` replaces what is asked for."""
    return scene.assume_role(replace(AssumeRole(scene.target.role_arn, "oss-uploads-live", 900), **changed))


def narrowed(scene: Scene) -> str:
    """A session policy that allows to write and to read one key."""
    resource = f"acs:oss:*:*:{scene.target.bucket}/{scene.key('a')}"
    return policy.document([policy.allow(["oss:PutObject", "oss:GetObject"], [resource])])


def session(scene: Scene, method: str, key: str, **more: object) -> Answer:
    """The answer to a request with temporary credentials that are narrowed to the key `a`."""
    credentials = scene.temporary(AssumeRole(scene.target.role_arn, "oss-uploads-live", 900, narrowed(scene)))
    return scene.send(method, key, credentials=credentials, **more)


def altered(scene: Scene, **changed: object) -> Answer:
    """A PUT with temporary credentials of which something differs."""
    credentials = scene.temporary(AssumeRole(scene.target.role_arn, "oss-uploads-live", 900))
    return scene.send("PUT", "a", content=SMALL, credentials=replace(credentials, **changed))


def parameter(name: str) -> Expected:
    """STS's refusal of a parameter."""
    return Expected(400, elements={"json/Code": f"InvalidParameter.{name}"})


PAGE = "recommend-to-use-signature-version-4"
say(
    "credentials-are-issued",
    ask,
    Expected(
        200,
        elements={
            "json/Credentials/AccessKeyId": ANY,
            "json/Credentials/AccessKeySecret": ANY,
            "json/Credentials/SecurityToken": ANY,
            "json/Credentials/Expiration": ANY,
            "json/AssumedRoleUser/Arn": ANY,
        },
    ),
)
say("less-than-900-seconds-are-refused", lambda s: ask(s, duration_seconds=899), parameter("DurationSeconds"))
say("a-name-with-a-space-is-refused", lambda s: ask(s, session_name="a b"), parameter("RoleSessionName"))
say("a-policy-that-is-no-json-is-refused", lambda s: ask(s, policy="no policy"), parameter("PolicyGrammar"))
say(
    "an-unknown-role-is-404",
    lambda s: ask(s, role_arn=s.target.role_arn + "-nobody"),
    Expected(404, elements={"json/Code": "EntityNotExist.Role"}),
)
say("they-may-do-what-their-policy-allows", lambda s: session(s, "PUT", "a", content=SMALL), accepted(), page=PAGE)
say(
    "they-may-not-do-more",
    lambda s: session(s, "PUT", "b", content=SMALL),
    refused(403, "AccessDenied", "0003-00000301"),
    page=EC_PAGES + "0003-00000301",
)
say("they-may-not-delete", lambda s: session(s, "DELETE", "a"), refused(403, "AccessDenied"), page=PAGE)
say(
    "a-presigned-url-has-their-rights",
    lambda s: session(s, "PUT", "a", content=SMALL, signature="url"),
    accepted(),
    page="add-signatures-to-urls",
)
say(
    "a-presigned-url-has-no-more-rights",
    lambda s: session(s, "PUT", "b", content=SMALL, signature="url"),
    refused(403, "AccessDenied"),
    page="add-signatures-to-urls",
)
say(
    "without-their-token-the-key-is-unknown",
    lambda s: altered(s, security_token=None),
    refused(403, "InvalidAccessKeyId", "0002-00000002"),
    page=EC_PAGES + "0002-00000002",
)
say(
    "another-token-is-refused",
    lambda s: altered(s, security_token="CAISnobodysToken"),
    refused(403, "InvalidSecurityToken", "0002-00000006"),
    page=EC_PAGES + "0002-00000006",
)
say(
    "another-secret-is-refused",
    lambda s: altered(s, access_key_secret="x" * 44),
    refused(403, "SignatureDoesNotMatch"),
    page=PAGE,
)
