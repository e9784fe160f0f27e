// A cut costs at most some seconds of the line's work, on any line; and what is shown as kept is kept.

import { expect, test } from "vitest";
import type { SendRequest, SendResponse, Transport } from "../../src/engine/ports.ts";
import type { Upload } from "../../src/engine/upload.ts";
import { TestEnvironment } from "../environment.ts";
import { HOST } from "../store.ts";

const MIB = 2 ** 20;
const MBIT = 1e6 / 8;
const TWO_ADDRESSES = [HOST, "https://other.oss.test"];

interface Sending {
  readonly key: string;
  sent: number;
}

/** A line that its requests share. It counts what a cut would lose, and what was lost. */
class SharedLine implements Transport {
  readonly sending = new Set<Sending>();
  /** Bytes that a cut would have cost at its worst moment. */
  mostAtRisk = 0;
  lost = 0;
  mostSending = 0;
  /** Whether a proxy takes each part at once, and sends it on as the line allows. */
  isBuffered = false;

  constructor(
    readonly environment: TestEnvironment,
    /** Bytes a second: of the line, and of each connection. */
    public speed: number,
    readonly perConnection = Number.POSITIVE_INFINITY,
    readonly latency = 0.05,
  ) {}

  async send({ signed, body, signal, onprogress }: SendRequest): Promise<SendResponse> {
    const { clock, store } = this.environment;
    const url = new URL(signed.url);
    const request = { key: url.pathname.slice(1), sent: 0 };
    const tick = Math.max(10, Math.min(200, (body.size / this.speed) * 1000));
    this.sending.add(request);
    this.mostSending = Math.max(this.mostSending, this.sending.size);
    try {
      await clock.sleep(2 * this.latency * 1000, signal); // The preflight, and the way there and back.
      while (request.sent < body.size) {
        await clock.sleep(tick, signal);
        const share = Math.min(this.perConnection, this.speed / this.sending.size);
        request.sent = Math.min(body.size, request.sent + (share * tick) / 1000);
        onprogress(this.isBuffered ? body.size : request.sent);
        const atRisk = [...this.sending].reduce((sum, { sent }) => sum + sent, 0);
        this.mostAtRisk = Math.max(this.mostAtRisk, atRisk);
      }
      store.hold(request.key).set(Number(url.searchParams.get("partNumber")), body);
      request.sent = 0;
      return { status: 200, headers: new Headers(), body: "" };
    } finally {
      this.lost += request.sent;
      this.sending.delete(request);
    }
  }
}

interface Run {
  readonly environment: TestEnvironment;
  readonly line: SharedLine;
  start(size: number): Upload;
}

function onLine(speed: number, perConnection?: number, origins: readonly string[] = []): Run {
  const environment = new TestEnvironment();
  environment.backend.origins = origins;
  environment.backend.partSize = 8 * MIB;
  environment.backend.suitsLine = true;
  const line = new SharedLine(environment, speed, perConnection);
  Object.assign(environment, { transport: line });
  const uploader = environment.open({ integrity: "none" });
  return {
    environment,
    line,
    start: (size) => uploader.upload(new File([new Uint8Array(size)], `${size}.bin`, { lastModified: 1 })),
  };
}

/** Bytes that OSS holds of the upload. */
function held({ environment }: Run): number {
  const rows = [...environment.backend.rows.values()].filter(({ state }) => state === "uploading");
  const parts = rows.flatMap(({ key }) => [...environment.store.hold(key).values()]);
  return parts.reduce((sum, { size }) => sum + size, 0);
}

test.each([
  [0.5, 4 * MIB],
  [1, 80 * MIB],
  [5, 30 * MIB],
  [5, 80 * MIB],
  [50, 30 * MIB],
])("at %f Mbit/s a cut costs at most 15 seconds of %i bytes", async (mbit, size) => {
  const run = onLine(mbit * MBIT);
  const { environment, line } = run;
  const upload = run.start(size);
  await environment.clock.until(() => upload.state === "completed" || environment.clock.now() > 45_000);
  expect(line.mostAtRisk / line.speed).toBeLessThan(15);
  expect(line.lost / line.speed).toBeLessThan(6);
  // All that the line carried in that time arrived, but for what was lost and for what is on its way.
  const carried = (line.speed * environment.clock.now()) / 1000;
  if (upload.state !== "completed") expect(held(run)).toBeGreaterThan(carried * 0.97 - 15 * line.speed);
  expect(upload.progress.kept).toBe(upload.state === "completed" ? size : held(run));
});

test("the next file has suitable parts from the start", async () => {
  const run = onLine(5 * MBIT);
  await run.environment.clock.run(run.start(9 * MIB).done);
  run.line.lost = 0;
  await run.environment.clock.run(run.start(10 * MIB).done);
  expect(run.line.lost).toBe(0);
  expect([...run.environment.backend.rows.values()].at(-1)?.part_size).toBeLessThan(2 * MIB);
});

test.each([
  ["one address", []],
  ["two addresses", TWO_ADDRESSES],
])(
  "a line that becomes slow sends fewer parts at once to %s, and begins nothing again",
  async (_, origins) => {
    const run = onLine(80 * MBIT, undefined, origins);
    const upload = run.start(200 * MIB);
    await run.environment.clock.until(() => upload.progress.kept > 64 * MIB);
    run.line.speed = 5 * MBIT;
    run.line.mostAtRisk = 0;
    await run.environment.clock.pass(60_000);
    expect(run.environment.backend.rows.size).toBe(1);
    expect(run.line.sending.size).toBe(1);
    run.line.mostAtRisk = 0;
    await run.environment.clock.pass(30_000);
    expect(run.line.mostAtRisk / run.line.speed).toBeLessThan(15);
  },
);

test("what a proxy has taken is not the speed of the line: the answers are", async () => {
  const run = onLine(5 * MBIT);
  run.line.isBuffered = true;
  const upload = run.start(200 * MIB);
  await run.environment.clock.until(() => upload.progress.loaded > 0);
  await run.environment.clock.pass(10_000);
  expect(run.line.sending.size).toBe(4);
  await run.environment.clock.pass(120_000);
  expect(run.line.sending.size).toBe(1);
  expect(run.environment.backend.rows.size).toBe(1);
});

test("a line that stands still at the start is not taken for a slow one", async () => {
  const run = onLine(0);
  const upload = run.start(80 * MIB);
  await run.environment.clock.pass(10_000);
  run.line.speed = 80 * MBIT;
  await run.environment.clock.run(upload.done);
  expect(run.environment.backend.only.part_size).toBe(8 * MIB);
});

test("a line that is slow for each connection keeps its connections", async () => {
  const run = onLine(80 * MBIT, 2 * MBIT);
  const upload = run.start(200 * MIB);
  await run.environment.clock.until(() => upload.progress.loaded > 0);
  await run.environment.clock.pass(60_000);
  expect(run.line.sending.size).toBeGreaterThanOrEqual(4);
  expect(upload.progress.kept / 60).toBeGreaterThan(4 * 2 * MBIT * 0.8);
});

test("after a pause the progress is what OSS holds, and none of it is sent again", async () => {
  const run = onLine(20 * MBIT);
  const { clock, backend } = run.environment;
  const upload = run.start(80 * MIB);
  await clock.until(() => upload.progress.loaded > 20 * MIB && upload.progress.loaded > upload.progress.kept);
  upload.pause();
  await clock.pass(6000);
  const { kept, loaded } = upload.progress;
  expect([upload.state, loaded]).toEqual(["paused", kept]);
  expect(kept).toBe(held(run));
  expect(backend.only.bytes_done).toBe(kept);
  run.line.lost = 0;
  const carried = run.environment.backend.calls.length;
  upload.resume();
  await clock.until(() => upload.state === "uploading");
  expect(upload.progress.kept).toBe(kept);
  await clock.run(upload.done);
  expect(run.line.lost).toBe(0);
  expect(backend.calls.length).toBeGreaterThan(carried);
});

test.each([
  ["one address", []],
  ["two addresses", TWO_ADDRESSES],
])("a pause waits for a part that is nearly sent to %s, and an abort does not", async (_, origins) => {
  const run = onLine(20 * MBIT, undefined, origins);
  const { clock } = run.environment;
  const upload = run.start(80 * MIB);
  await clock.until(() => [...run.line.sending].some(({ sent }) => sent > 0.95 * 8 * MIB));
  const before = upload.progress.kept;
  upload.pause();
  expect(upload.state).toBe("paused");
  expect(run.line.sending.size).toBeGreaterThan(0);
  await clock.pass(6000);
  expect(run.line.sending.size).toBe(0);
  expect(upload.progress.kept).toBeGreaterThan(before);
  upload.resume();
  await clock.until(() => [...run.line.sending].some(({ sent }) => sent > 0.95 * 8 * MIB));
  upload.pause();
  await clock.run(upload.abort());
  expect([upload.state, run.line.sending.size]).toEqual(["aborted", 0]);
});
