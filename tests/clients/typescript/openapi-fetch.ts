// A client of openapi-typescript and openapi-fetch: the types say which problems there are, and what an item of a batch is.

import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi-typescript.js";

type Upload = components["schemas"]["Upload"];

declare const process: { argv: string[] };
const [, , baseUrl, token] = process.argv;

const client = createClient<paths>({ baseUrl, headers: { Authorization: `Token ${token}` } });
const file = { destination: "default", filename: "film.mp4", size: 20_000_000, resume: false };

const created = await client.POST("/api/uploads/", { body: { ...file, sign: 1 } });
if (created.error) {
  throw new Error(created.error.detail);
}
const parts = "parts" in created.data ? created.data.parts : undefined;
const state: "uploading" | "completing" | "completed" | "aborted" | "failed" | "deleted" = created.data.state;

const refused = await client.POST("/api/uploads/", { body: { ...file, destination: "nowhere" } });
let refusal = "";
switch (refused.error?.code) {
  case "too_large":
  case "invalid":
    refusal = Object.keys(refused.error.errors ?? {}).join();
    break;
  case "throttled":
    throw new Error("Repeat it later.");
}

const batch = await client.POST("/api/uploads/batch/", {
  body: { uploads: [file, { ...file, destination: "nowhere" }] },
});
const items = (batch.data?.uploads ?? []).map((item) => ("code" in item ? item.code : item.state));

const missing = await client.POST("/api/uploads/{id}/complete/", {
  params: { path: { id: created.data.id } },
  body: {},
});
const numbers: number[] | undefined =
  missing.error?.code === "parts_missing" ? missing.error.errors?.parts : undefined;

const listed = await client.GET("/api/uploads/", { params: { query: { state: "uploading" } } });
const names = (listed.data?.results ?? []).map((upload: Upload) => upload.filename);

console.log(JSON.stringify({ state, method: parts?.[0]?.method, refusal, items, numbers, names }));
