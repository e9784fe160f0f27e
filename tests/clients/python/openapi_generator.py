"""A client of openapi-generator (python): begins an upload, lists it, and is told of a problem."""

import json
import sys

from generated_client import ApiClient, Configuration, UploadsApi
from generated_client.exceptions import BadRequestException
from generated_client.models import CreateBatch, CreateUpload

url, token = sys.argv[1:]
configuration = Configuration(host=url, api_key={"tokenAuth": token}, api_key_prefix={"tokenAuth": "Token"})
file = CreateUpload(destination="default", filename="film.mp4", size=20_000_000)
elsewhere = CreateUpload(destination="nowhere", filename="film.mp4", size=20_000_000)
with ApiClient(configuration) as client:
    api = UploadsApi(client)
    created = api.uploads_create(file)
    try:
        api.uploads_create(elsewhere)
    except BadRequestException as error:
        refusal = error.data.actual_instance.code
    batch = api.uploads_create_batch(CreateBatch(uploads=[file, elsewhere]))
    kinds = [type(item.actual_instance).__name__ for item in batch.uploads]
    names = [upload.filename for upload in api.uploads_list(state="uploading").results]
print(json.dumps({"state": created.state, "refusal": refusal, "kinds": kinds, "names": names}))
