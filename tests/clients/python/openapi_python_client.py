"""A client of openapi-python-client: begins an upload, lists it, and is told of a problem."""

import json
import sys

from generated_client import AuthenticatedClient
from generated_client.api.uploads import uploads_create, uploads_create_batch, uploads_list
from generated_client.models import CreateBatch, CreateUpload

url, token = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token, prefix="Token")
file = CreateUpload(destination="default", filename="film.mp4", size=20_000_000)
elsewhere = CreateUpload(destination="nowhere", filename="film.mp4", size=20_000_000)
created = uploads_create.sync(client=client, body=file)
refused = uploads_create.sync(client=client, body=elsewhere)
batch = uploads_create_batch.sync(client=client, body=CreateBatch(uploads=[file, elsewhere]))
kinds = [type(item).__name__ for item in batch.uploads]
names = [upload.filename for upload in uploads_list.sync(client=client).results]
print(json.dumps({"state": created.state, "refusal": refused.code, "kinds": kinds, "names": names}))
