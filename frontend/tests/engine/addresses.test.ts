// Several addresses of one bucket: probed, used side by side where that is faster, left out where they fail.

import { describe, expect, test } from "vitest";
import { diagnosisOf } from "../backend.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";
import { HOST } from "../store.ts";

const OTHER = "https://fast.oss.test";
const PART = 100;
const PARTS = 240;
/** Bytes a second of one request: a part takes two seconds. */
const SPEED = 50;

/** An environment whose bucket has these addresses, which `speedOf` limits. */
function bucketAt(origins: readonly string[], speedOf: (origin: string) => number = () => SPEED) {
  const environment = new TestEnvironment();
  environment.backend.partSize = PART;
  environment.backend.origins = origins;
  environment.store.speedOf = speedOf;
  environment.store.isGradual = true;
  return environment;
}

/** Seconds that an upload takes. */
async function upload(environment: TestEnvironment, parts = PARTS): Promise<number> {
  const file = fileOf(parts * PART);
  const begun = environment.clock.now();
  const result = await environment.clock.run(environment.open({ integrity: "none" }).upload(file).done);
  expect(result.state).toBe("completed");
  expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
  return (environment.clock.now() - begun) / 1000;
}

const alones = new Map<number, Promise<number>>();

/** Seconds with one address of full speed. */
function alone(parts = PARTS): Promise<number> {
  const time = alones.get(parts) ?? upload(bucketAt([]), parts);
  alones.set(parts, time);
  return time;
}

function arrivedAt(environment: TestEnvironment, origin: string): number {
  return environment.store.sent.filter((sent) => sent.origin === origin && sent.outcome === "done").length;
}

function reported(environment: TestEnvironment): unknown[] {
  return environment.backend.calls
    .filter(({ path }) => path.endsWith("diagnose/"))
    .map(({ body }) => body.address);
}

describe("several addresses", () => {
  test("two are used side by side where six connections to one are the limit", async () => {
    const environment = bucketAt([HOST, OTHER]);
    const time = await upload(environment);
    expect((await alone()) / time).toBeGreaterThan(1.8);
    expect(environment.store.mostInFlight).toBe(12);
    expectEachOnce(environment, PARTS);
    expect(reported(environment)).toEqual([]);
  });

  test("where the line is full, six connections to one are enough", async () => {
    const environment = bucketAt([HOST, OTHER]);
    environment.store.line = 20 * SPEED;
    await upload(environment, 300);
    const late = environment.store.sent.filter(({ at }) => at > 20_000);
    expect(late.length).toBeGreaterThan(100);
    expect(late.filter(({ origin }) => origin === OTHER)).toEqual([]);
  });

  test.each([
    ["is twenty times slower", SPEED / 20],
    ["is a hundred times slower", SPEED / 100],
    ["is half as fast", SPEED / 2],
  ])("another that %s does not hold the upload back", async (_, slow) => {
    const speedOf = (origin: string) => (origin === OTHER ? slow : SPEED);
    const time = await upload(bucketAt([HOST, OTHER], speedOf));
    expect(time / (await alone())).toBeLessThan(1.03);
  });

  test("a faster one that is not the first is found, and takes over what is slow", async () => {
    const speedOf = (origin: string) => (origin === HOST ? SPEED / 50 : SPEED);
    const environment = bucketAt([HOST, OTHER], speedOf);
    const time = await upload(environment, 400);
    const best = await alone(400);
    expect(arrivedAt(environment, HOST)).toBeLessThan(20);
    expect(time / best).toBeLessThan(1.03);
  });

  test("even a short upload does not wait for a slow address", async () => {
    const speedOf = (origin: string) => (origin === OTHER ? SPEED / 100 : SPEED);
    const time = await upload(bucketAt([HOST, OTHER], speedOf), 6);
    const best = await alone(6);
    expect(time / best).toBeLessThan(1.03);
  });
});

test.each([
  ["a pause", 0, true],
  ["parts that arrive before it has answered", 3000, false],
])("another address is used after %s", async (_, connecting, isPaused) => {
  const environment = bucketAt([HOST, OTHER]);
  const { clock, store, transport } = environment;
  const send = store.send.bind(store);
  transport.send = async (request) => {
    if (request.signed.url.startsWith(OTHER) && arrivedAt(environment, OTHER) === 0)
      await clock.sleep(connecting, request.signal);
    return send(request);
  };
  const upload = environment.open({ integrity: "none" }).upload(fileOf(PARTS * PART));
  await clock.until(() => store.inFlight > 0);
  if (isPaused) {
    upload.pause();
    await clock.pass(1000);
    upload.resume();
  }
  await clock.run(upload.done);
  expect(arrivedAt(environment, OTHER)).toBeGreaterThan(20);
});

describe("an address that fails", () => {
  test.each([
    ["gives no answer", "no_response" as const],
    ["hangs", "stall" as const],
    ["refuses", { status: 404, code: "NoSuchBucket" }],
    ["is forbidden", { status: 403, code: "AccessDenied" }],
  ])("and %s is left out, with the reason in the backend's log", async (name, fault) => {
    const environment = bucketAt([HOST, OTHER]);
    environment.store.fault = (_number, _tries, origin) => (origin === OTHER ? fault : undefined);
    const time = await upload(environment);
    expect(time / (await alone())).toBeLessThan(1.03);
    expect(arrivedAt(environment, HOST)).toBe(PARTS);
    // One that hangs had taken bytes.
    expect(reported(environment)).toEqual(name === "hangs" ? expect.any(Array) : [1]);
  });

  test.each([
    ["gives no answer", "no_response" as const],
    ["refuses", { status: 404, code: "NoSuchBucket" }],
  ])("and is the first and %s does not stop the upload", async (_, fault) => {
    const environment = bucketAt([HOST, OTHER]);
    environment.store.fault = (_number, _tries, origin) => (origin === HOST ? fault : undefined);
    const time = await upload(environment);
    expect(arrivedAt(environment, OTHER)).toBe(PARTS);
    expect(time / (await alone())).toBeLessThan(1.03);
    expect(reported(environment)).toEqual([0]);
  });

  test("and fails while it is used gives its parts to the others", async () => {
    const environment = bucketAt([HOST, OTHER]);
    const { clock, store } = environment;
    store.fault = (_number, _tries, origin) =>
      origin === OTHER && clock.now() > 20_000 ? "no_response" : undefined;
    await upload(environment);
    expect(arrivedAt(environment, OTHER)).toBeGreaterThan(10);
    expectEachOnce(environment, PARTS);
    expect(reported(environment)).toEqual([1]);
  });

  test("together with all others lets the upload wait, until OSS is back", async () => {
    const environment = bucketAt([HOST, OTHER]);
    environment.backend.diagnosis = diagnosisOf("unreachable", "storage_unreachable");
    environment.connection.reachable = false;
    const { clock, store } = environment;
    store.fault = () => (clock.now() > 20_000 && clock.now() < 200_000 ? "no_response" : undefined);
    await upload(environment);
    expect(clock.now()).toBeGreaterThan(200_000);
  });
});

test("a pause keeps what has arrived, and nothing is sent meanwhile", async () => {
  const environment = bucketAt([HOST, OTHER]);
  const upload = environment.open().upload(fileOf(PARTS * PART));
  await environment.arrive(60);
  upload.pause();
  await environment.clock.pass(60_000);
  expect(environment.store.inFlight).toBe(0);
  upload.resume();
  await environment.clock.run(upload.done);
  expect(environment.store.mostInFlight).toBe(12);
  expect(environment.store.accepted.length).toBeLessThan(PARTS + 13);
});

test("with credentials of STS the first address alone is used", async () => {
  const environment = bucketAt([HOST, OTHER]);
  environment.backend.credentialsLife = 3600;
  const { done } = environment.open({ signing: "sts" }).upload(fileOf(20 * PART));
  await environment.clock.run(done);
  expect(environment.store.sent.every(({ origin }) => origin === HOST)).toBe(true);
});

describe("a file in one request", () => {
  /** The origins to which two such files were sent, one after the other. */
  async function origins(environment: TestEnvironment): Promise<string[][]> {
    const uploader = environment.open({ integrity: "none" });
    const origins: string[][] = [];
    for (const name of ["a", "b"]) {
      const begun = environment.store.sent.length;
      const { state } = await environment.clock.run(uploader.upload(fileOf(PART / 2, name)).done);
      expect(state).toBe("completed");
      origins.push(environment.store.sent.slice(begun).map(({ origin }) => origin));
    }
    return origins;
  }

  test("goes to the first address", async () => {
    const environment = bucketAt([HOST, OTHER]);
    expect(await origins(environment)).toEqual([[HOST], [HOST]]);
    expect(reported(environment)).toEqual([]);
  });

  test.each(["no_response" as const, "stall" as const])(
    "goes to the next one after %s, and so does the next file",
    async (fault) => {
      const environment = bucketAt([HOST, OTHER]);
      environment.store.fault = (_number, _tries, origin) => (origin === HOST ? fault : undefined);
      expect(await origins(environment)).toEqual([[HOST, OTHER], [OTHER]]);
      expect(reported(environment)).toEqual([0]);
    },
  );

  test("comes back to the first one", async () => {
    const environment = bucketAt([HOST, OTHER]);
    environment.store.fault = (_number, tries, origin) =>
      origin === OTHER || tries === 1 ? "no_response" : undefined;
    expect((await origins(environment))[0]).toEqual([HOST, OTHER, HOST]);
  });
});
