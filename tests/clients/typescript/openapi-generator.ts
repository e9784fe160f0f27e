// A client of openapi-generator's typescript-fetch.

import { Configuration, UploadsApi } from "./generated/openapi-generator/index.js";
import type { CreatedUpload, Upload } from "./generated/openapi-generator/index.js";

const api = new UploadsApi(new Configuration({ basePath: "https://uploads.example", apiKey: "Token …" }));

export function begin(): Promise<Upload | CreatedUpload> {
  return api.uploadsCreate({ createUpload: { destination: "default", filename: "film.mp4", size: 20_000_000 } });
}

export async function names(): Promise<string[]> {
  const page = await api.uploadsList({});
  return page.results.map((upload) => upload.filename);
}
