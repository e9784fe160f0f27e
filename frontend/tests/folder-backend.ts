// The backend's calls for folders, for tests of the engine: the list of uploaded files, and aborting unfinished ones.

import { type Call, type FakeBackend, json } from "./backend.ts";

const PAGE = 40;

/** Answers these calls at the fake backend; other calls go to it. */
export function serveFolders(backend: FakeBackend): void {
  const before = backend.fault;
  backend.fault = (call) =>
    before(call) ?? (call.path === "uploads/folder/" ? answer(backend, call) : undefined);
}

function answer(backend: FakeBackend, { method, query }: Call): Response {
  const folder = query.get("folder");
  const rows = [...backend.rows.values()].filter(({ relative_path }) =>
    relative_path?.startsWith(`${folder}/`),
  );
  const open = rows.filter(({ state }) => state === "uploading");
  if (method === "DELETE") {
    const chosen = open.filter((row) => query.get("single") !== "true" || row.method !== "multipart");
    for (const row of chosen.slice(0, PAGE)) row.state = "aborted";
    const aborted = Math.min(PAGE, chosen.length);
    return json(200, { aborted, refused: 0, left: chosen.length - aborted });
  }
  const start = Number(query.get("page") ?? 0);
  const completed = rows.filter(({ state }) => state === "completed");
  const next = `https://internal.test/api/uploads/folder/?${query}&page=${start + PAGE}`;
  return json(200, {
    next: start + PAGE < completed.length ? next.replace(/&page=\d+(?=&)/, "") : null,
    unfinished: open.length,
    results: completed.slice(start, start + PAGE),
  });
}
