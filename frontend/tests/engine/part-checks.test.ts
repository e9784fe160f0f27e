// The checks of one upload, as `integrity` demands: what is hashed, and when, what is freed, and what ends the upload.

import { describe, expect, test, vi } from "vitest";
import type { Integrity } from "../../src/engine/integrity.ts";
import { Ledger } from "../../src/engine/ledger.ts";
import { PartChecks } from "../../src/engine/part-checks.ts";
import { type DonePart, planOf } from "../../src/engine/parts.ts";
import type { Environment } from "../../src/engine/ports.ts";
import type { Arrival } from "../../src/engine/sender.ts";
import { Source } from "../../src/engine/source.ts";
import { fileOf, TestEnvironment } from "../environment.ts";
import { crc64Of } from "../store.ts";

const FILE = fileOf(25);
const never = new AbortController().signal;

interface Setting {
  readonly integrity: Integrity;
  readonly partSize?: number;
  /** Whether the browser notices that a file has changed. */
  readonly notices?: boolean;
  readonly isStream?: boolean;
}

function setting({ integrity, partSize = 10, notices = true, isStream = false }: Setting) {
  const own = new TestEnvironment();
  const environment: Environment = Object.assign(own, { noticesChanges: () => notices });
  const hashed: string[] = [];
  const changed = new Map<string, string>();
  own.hasher.hash = async (algorithm, blob) => {
    const text = await blob.text();
    hashed.push(`${algorithm} ${text}`);
    return changed.get(text) ?? (await crc64Of(blob));
  };
  const source = new Source(FILE);
  const released: number[] = [];
  source.release = ({ start }) => {
    released.push(start / partSize + 1);
  };
  if (isStream) Object.defineProperty(source, "isStream", { value: true });
  const ledger = new Ledger(planOf(25, partSize, Math.ceil(25 / partSize)));
  const loaded: unknown[] = [];
  const load = async <T>(chunk: () => Promise<T>) => {
    loaded.push(chunk);
    return chunk();
  };
  const checks = new PartChecks({ environment, integrity, source, ledger, load });
  const bytes = (number: number) => FILE.slice((number - 1) * partSize, number * partSize);
  const part = async (number: number, crc64?: string): Promise<DonePart> => {
    return { number, size: bytes(number).size, crc64: crc64 ?? (await crc64Of(bytes(number))) };
  };
  const arrival = async (number: number, crc64?: string): Promise<Arrival> => {
    return { part: await part(number, crc64), requestId: null, tries: 1 };
  };
  const send = (number: number, crc64?: string) => checks.around(number, () => arrival(number, crc64));
  const inspected: number[] = [];
  const verify = () =>
    checks.verify(never, async () => {
      inspected.push(ledger.doneCount);
    });
  const text = async (number: number) => bytes(number).text();
  return { checks, ledger, hashed, changed, released, loaded, inspected, part, send, verify, text, arrival };
}

describe("with 'crc64'", () => {
  test("each part is hashed once, compared, and freed", async () => {
    const { checks, send, verify, hashed, released, inspected, loaded } = setting({ integrity: "crc64" });
    checks.start(never);
    for (const number of [1, 2, 3]) expect(await send(number)).toMatchObject({ part: { number } });
    const { damaged, crc64s } = await verify();
    expect([damaged, [...crc64s.keys()], released]).toEqual([[], [1, 2, 3], [1, 2, 3]]);
    expect(hashed).toHaveLength(3);
    expect([inspected, loaded]).toEqual([[], []]);
  });

  test("a part is hashed while it is sent, and a file in one request before", async () => {
    for (const [partSize, before] of [
      [10, 0],
      [30, 1],
    ] as const) {
      const { checks, hashed, arrival } = setting({ integrity: "crc64", partSize });
      let known = -1;
      let isOver = false;
      checks.crc64(1).then(() => {
        isOver = true;
      });
      await checks.around(1, async () => {
        known = Number(isOver);
        return arrival(1);
      });
      expect([known, hashed.length]).toEqual([before, 1]);
    }
  });

  test("hashing begins with the request, not after it", async () => {
    const { checks, hashed, arrival } = setting({ integrity: "crc64" });
    await checks.around(1, async () => {
      await vi.waitFor(() => expect(hashed).toHaveLength(1), { timeout: 60_000 });
      return arrival(1);
    });
    expect(hashed).toHaveLength(1);
  });

  test("a damaged part is named, and can be forgotten", async () => {
    const { checks, send, verify, released } = setting({ integrity: "crc64" });
    await send(1);
    await send(2, "17");
    expect((await verify()).damaged).toEqual([2]);
    expect(released).toEqual([1]);
    checks.forget([2]);
    expect((await verify()).damaged).toEqual([]);
  });

  test("a file that has changed sends no further part", async () => {
    const { checks, verify, changed, text, send } = setting({ integrity: "crc64" });
    await checks.crc64(1);
    changed.set(await text(1), "changed");
    await send(1, "17");
    await expect(verify()).rejects.toMatchObject({ code: "file_changed" });
    let isSent = false;
    const later = checks.around(2, async () => {
      isSent = true;
      return null;
    });
    await expect(later).rejects.toMatchObject({ code: "file_changed" });
    expect(isSent).toBe(false);
  });

  test("a part that was put back is not compared", async () => {
    const { checks, verify } = setting({ integrity: "crc64" });
    expect(await checks.around(1, async () => null)).toBeNull();
    expect((await verify()).crc64s.size).toBe(0);
  });

  test("what OSS lists is compared", async () => {
    const { checks, part, verify } = setting({ integrity: "crc64" });
    checks.compareHeld([await part(1), await part(2, "17")]);
    const { damaged, crc64s } = await verify();
    expect([damaged, [...crc64s.keys()]]).toEqual([[2], [1, 2]]);
  });
});

describe("with 'md5'", () => {
  test("OSS compares: nothing else is hashed, and each part is freed as it has arrived", async () => {
    const { checks, send, verify, hashed, released, inspected } = setting({ integrity: "md5" });
    checks.start(never);
    await send(1);
    expect(await verify()).toEqual({ damaged: [], crc64s: new Map() });
    expect([hashed, released, inspected]).toEqual([[], [1], []]);
    await checks.md5(2);
    expect(hashed).toHaveLength(1);
    expect(hashed[0]).toMatch(/^md5 /);
  });

  test("a file in one request is not hashed before", async () => {
    const { checks, hashed, arrival } = setting({ integrity: "md5", partSize: 30 });
    await checks.around(1, () => arrival(1));
    expect(hashed).toEqual([]);
  });

  test("what OSS lists is compared, but not of a stream, whose bytes are gone", async () => {
    for (const isStream of [false, true]) {
      const { checks, part, verify } = setting({ integrity: "md5", isStream });
      checks.compareHeld([await part(1, "17")]);
      expect((await verify()).damaged).toEqual(isStream ? [] : [1]);
    }
  });
});

test("with 'none' nothing is hashed and nothing compared", async () => {
  const { checks, part, send, verify, hashed, released, loaded } = setting({
    integrity: "none",
    notices: false,
  });
  checks.start(never);
  checks.compareHeld([await part(2, "17")]);
  await send(1, "17");
  expect(await verify()).toEqual({ damaged: [], crc64s: new Map() });
  expect([hashed, released, loaded]).toEqual([[], [1], []]);
});

describe("where the browser does not notice that a file has changed", () => {
  test("a part that was sent before all were read is read twice", async () => {
    const { checks, ledger, send, verify, hashed, inspected, text } = setting({
      integrity: "crc64",
      notices: false,
    });
    checks.start(never);
    for (let number = ledger.take(); number; number = ledger.take()) await send(number);
    await verify();
    const same = `crc64 ${await text(1)}`;
    expect(hashed.filter((one) => one === same)).toHaveLength(2);
    expect(inspected).toEqual([]);
  });

  test("with 'md5' the parts are compared too, and OSS is asked for the others", async () => {
    const { checks, ledger, send, verify, hashed, inspected } = setting({ integrity: "md5", notices: false });
    checks.start(never);
    await vi.waitFor(() => expect(hashed).not.toEqual([]), { timeout: 60_000 });
    for (let number = ledger.take(); number; number = ledger.take()) await send(number);
    expect([...(await verify()).crc64s.keys()]).toEqual([1, 2, 3]);
    expect(inspected).toHaveLength(1);
  });

  test("a part that is sent after all were read is not read again by itself", async () => {
    const { checks, ledger, send, verify, hashed } = setting({ integrity: "crc64", notices: false });
    checks.start(never);
    await vi.waitFor(() => expect(hashed).toHaveLength(3), { timeout: 60_000 });
    await checks.crc64(3);
    for (let number = ledger.take(); number; number = ledger.take()) await send(number);
    await verify();
    expect(hashed).toHaveLength(3);
  });

  test("a change between the two is found", async () => {
    const { checks, ledger, send, verify, changed, text } = setting({ integrity: "crc64", notices: false });
    ledger.take();
    await send(1);
    changed.set(await text(1), "changed");
    checks.start(never);
    await expect(verify()).rejects.toMatchObject({ code: "file_changed" });
  });

  test.each<[string, Setting]>([
    ["a file in one request", { integrity: "crc64", notices: false, partSize: 30 }],
    ["a stream", { integrity: "crc64", notices: false, isStream: true }],
    ["an unchecked file", { integrity: "none", notices: false }],
  ])("%s needs no proof", async (_, given) => {
    const { checks, loaded, verify } = setting(given);
    checks.start(never);
    await verify();
    expect(loaded).toEqual([]);
  });

  test("the code of the proof is loaded once, however often the upload is continued", async () => {
    const { checks, loaded, verify } = setting({ integrity: "crc64", notices: false });
    checks.start(never);
    await verify();
    checks.start(never);
    await verify();
    expect(loaded).toHaveLength(1);
  });
});
