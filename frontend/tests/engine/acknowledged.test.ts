// Nothing counts as kept before OSS has it, and nothing as reported before the backend has answered.

import { describe, expect, test } from "vitest";
import type { DonePart } from "../../src/engine/parts.ts";
import { problem } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";
import type { Fault } from "../store.ts";

function heldBytes({ backend, store }: TestEnvironment): number {
  const [row] = [...backend.rows.values()];
  const parts = [...((row && store.parts.get(row.key)) ?? new Map<number, Blob>()).values()];
  return parts.reduce((sum, { size }) => sum + size, 0);
}

describe("what is shown as kept is at OSS", () => {
  const FAULTS: readonly [string, Fault | undefined][] = [
    ["without failures", undefined],
    ["when requests have no answer", "no_response"],
    ["when answers are lost", "lost"],
    ["when requests stall", "stall"],
    ["when OSS is busy", { status: 503, code: "SlowDown" }],
    ["when OSS refuses URLs", { status: 403, code: "AccessDenied" }],
  ];

  test.each(FAULTS)("%s", async (_, fault) => {
    const environment = new TestEnvironment();
    environment.store.isGradual = true;
    environment.store.fault = (number, tries) => (number % 3 === 0 && tries === 1 ? fault : undefined);
    const upload = environment.open().upload(fileOf(200));
    let shown = 0;
    upload.addEventListener("progress", () => {
      expect(upload.progress.kept).toBeLessThanOrEqual(heldBytes(environment));
      shown = Math.max(shown, upload.progress.kept);
    });
    upload.addEventListener("checkpoint", ({ checkpoint }) => {
      const held = environment.backend.held(environment.backend.only).map(({ number }) => number);
      expect(held).toEqual(expect.arrayContaining(checkpoint?.doneParts.map(({ number }) => number) ?? []));
    });
    const { record } = environment.journal;
    environment.journal.record = (entry) => {
      expect(entry.bytesDone).toBeLessThanOrEqual(heldBytes(environment));
      return record.call(environment.journal, entry);
    };
    await environment.clock.run(upload.done);
    expect(shown).toBe(200);
  });
});

describe("a part is reported again", () => {
  const numbersOf = (parts: readonly DonePart[] = []) => parts.map(({ number }) => number);

  test("after a checkpoint that had no answer", async () => {
    const environment = new TestEnvironment();
    const { backend, clock, store } = environment;
    store.speed = 1;
    const told: number[][] = [];
    backend.fault = ({ method, path, body }) => {
      if (method !== "POST" || !path.endsWith("/parts/")) return undefined;
      told.push(numbersOf(body.parts));
      if (told.length === 1) throw new TypeError("Failed to fetch");
      return undefined;
    };
    const upload = environment.open().upload(fileOf(160));
    await clock.until(() => told.length === 2);
    expect(told[0]?.length).toBeGreaterThan(0);
    expect(told[1]).toEqual(expect.arrayContaining(told[0] as number[]));
    await clock.run(upload.done);
  });

  test("after a request for URLs that had no answer", async () => {
    const environment = new TestEnvironment();
    const { backend, clock } = environment;
    let told: number[] = [];
    backend.fault = ({ path, body }) => {
      if (!path.endsWith("/parts/sign/") || body.done.length === 0) return undefined;
      told = numbersOf(body.done);
      throw new TypeError("Failed to fetch");
    };
    const upload = environment.open().upload(fileOf(640));
    await clock.until(() => told.length > 0);
    upload.pause();
    await clock.pass(1000);
    expect([...(backend.reported.get("u1")?.keys() ?? [])]).toEqual(expect.arrayContaining(told));
    expect(backend.only.bytes_done).toBe(heldBytes(environment));
  });

  test("after a complete call that failed", async () => {
    const environment = new TestEnvironment();
    const { backend } = environment;
    let told: number[] = [];
    backend.fault = ({ path, body }) => {
      if (!path.endsWith("/complete/")) return undefined;
      told = numbersOf(body.done);
      return problem(400, "invalid");
    };
    const upload = environment.open().upload(fileOf(200));
    await environment.reach(upload, "failed");
    await environment.clock.pass(1000);
    expect(told.length).toBeGreaterThan(0);
    expect([...(backend.reported.get("u1")?.keys() ?? [])]).toEqual(expect.arrayContaining(told));
  });
});
