// Workers that cannot be loaded: the site may be down, or a content security policy may forbid them.

import { expect, test, vi } from "vitest";
import { NetworkError } from "../../src/engine/errors.ts";
import { Pool } from "../../src/hashing/worker-pool.ts";

/** A worker that answers, or whose script cannot be loaded. */
class FakeWorker {
  onmessage: ((event: { data: object }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly works: boolean) {}

  postMessage({ id }: { id: number }): void {
    queueMicrotask(() =>
      this.works ? this.onmessage?.({ data: { id, value: "worker" } }) : this.onerror?.(),
    );
  }

  terminate(): void {}
}

vi.stubGlobal("navigator", { hardwareConcurrency: 4 });

const BLOB = new Blob(["abc"]);

function poolOf(works: () => boolean, inPage: () => Promise<string>) {
  const createWorker = vi.fn(() => new FakeWorker(works()) as unknown as Worker);
  return { createWorker, pool: new Pool(createWorker, inPage) };
}

test("workers are tried again after the page's code was loaded", async () => {
  let isUp = false;
  const { pool } = poolOf(
    () => isUp,
    async () => "page",
  );
  expect(await Promise.all([pool.hash(BLOB), pool.hash(BLOB), pool.hash(BLOB)])).toEqual([
    "page",
    "page",
    "page",
  ]);
  isUp = true;
  expect(await pool.hash(BLOB)).toBe("worker");
});

test("workers that are forbidden are tried once more, and then no more", async () => {
  const { pool, createWorker } = poolOf(
    () => false,
    async () => "page",
  );
  for (let time = 0; time < 5; time++) await Promise.all([pool.hash(BLOB), pool.hash(BLOB), pool.hash(BLOB)]);
  const created = createWorker.mock.calls.length;
  expect(await pool.hash(BLOB)).toBe("page");
  expect(createWorker).toHaveBeenCalledTimes(created);
});

test("where nothing can be loaded, the caller learns why, and may try again", async () => {
  let isUp = false;
  const { pool } = poolOf(
    () => isUp,
    async () => {
      if (isUp) return "page";
      throw new NetworkError("code_unreachable");
    },
  );
  await expect(pool.hash(BLOB)).rejects.toMatchObject({ code: "network", sentence: "code_unreachable" });
  isUp = true;
  expect(["page", "worker"]).toContain(await pool.hash(BLOB));
});
