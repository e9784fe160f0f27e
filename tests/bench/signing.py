"""Part URLs signed a second on one core, beside the vendor's two Python SDKs."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import alibabacloud_oss_v2 as oss_v2
import oss2

from uploads.oss.clock import utcnow
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials, OssRequest, PartSigner, SigningContext

KEY, UPLOAD_ID = "uploads/7/2026/01/15/0b6c/视频 film.mp4", "0004B9894A22E5B1888A1E29F8236E2D"
ENDPOINT, REGION, BUCKET = "https://oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou", "example-bucket"
ROUNDS = 5


def run() -> dict[str, Any]:
    signers: dict[str, tuple[Callable[[int], None], int]] = {
        "oss2": (_oss2(), 2_000),
        "alibabacloud-oss-v2": (_oss_v2(), 2_000),
        "ours, in batches of 100": (_ours, 40_000),
    }
    rates: dict[str, list[float]] = {name: [] for name in signers}
    for _ in range(ROUNDS):
        for name, (sign, count) in signers.items():
            started = time.process_time()
            sign(count)
            rates[name].append(count / (time.process_time() - started))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ours = medians.pop("ours, in batches of 100")
    return {
        "title": "part URLs signed a second on one core",
        "figures": {name: f"{rate:,.0f}" for name, rate in {**medians, "ours, in batches of 100": ours}.items()},
        "ratio": ours / max(medians.values()),
        "goal": 15,
    }


def _ours(count: int) -> None:
    url = Endpoint.parse(ENDPOINT).url_of(BUCKET, KEY)
    for _ in range(count // 100):
        context = SigningContext(Credentials("id", "secret"), REGION, utcnow())
        signer = PartSigner(context, OssRequest("PUT", BUCKET, KEY, [("uploadId", UPLOAD_ID)]), url, 900)
        for _url in signer.urls(range(1, 101)):
            pass


def _oss2() -> Callable[[int], None]:
    auth = oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider("id", "secret"))
    bucket = oss2.Bucket(auth, ENDPOINT, BUCKET, region=REGION)

    def sign(count: int) -> None:
        for number in range(1, count + 1):
            params = {"partNumber": str(number % 10_000 + 1), "uploadId": UPLOAD_ID}
            bucket.sign_url("PUT", KEY, 900, params=params, slash_safe=True)

    return sign


def _oss_v2() -> Callable[[int], None]:
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider("id", "secret")
    config.region, config.endpoint = REGION, ENDPOINT
    client = oss_v2.Client(config)

    def sign(count: int) -> None:
        for number in range(1, count + 1):
            request = oss_v2.UploadPartRequest(
                bucket=BUCKET, key=KEY, upload_id=UPLOAD_ID, part_number=number % 10_000 + 1
            )
            client.presign(request, expires=timedelta(seconds=900))

    return sign
