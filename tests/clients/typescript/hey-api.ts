// A client of hey-api: one function for each operation.

import { uploadsCreate, uploadsCreateBatch, uploadsList, uploadsSignParts } from "./generated/hey-api/index.js";
import type { TooLargeProblem, Upload } from "./generated/hey-api/index.js";

const file = { destination: "default", filename: "film.mp4", size: 20_000_000 };

export async function begin(): Promise<Upload | TooLargeProblem | undefined> {
  const { data, error } = await uploadsCreate({ body: file, headers: { "Idempotency-Key": "0123456789" } });
  if (data) {
    await uploadsSignParts({ path: { id: data.id }, body: { parts: [{ number: 1 }] } });
    return data;
  }
  return error?.code === "too_large" ? error : undefined;
}

export async function names(): Promise<string[]> {
  const { data } = await uploadsList({ query: { state: "uploading" } });
  return data?.results.map((upload) => upload.filename) ?? [];
}

export async function codes(): Promise<string[]> {
  const { data } = await uploadsCreateBatch({ body: { uploads: [file] } });
  return data?.uploads.map((item) => ("code" in item ? item.code : item.state)) ?? [];
}
