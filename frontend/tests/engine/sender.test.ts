// One part: how often it is sent, what is recorded of each request, and when its error is final.

import { describe, expect, test } from "vitest";
import { CircuitBreaker } from "../../src/engine/circuit-breaker.ts";
import { NetworkError, StorageError } from "../../src/engine/errors.ts";
import { Explanations } from "../../src/engine/explanations.ts";
import { planOf } from "../../src/engine/parts.ts";
import type { SendRequest, SendResponse } from "../../src/engine/ports.ts";
import { ProgressMeter } from "../../src/engine/progress.ts";
import { Semaphore } from "../../src/engine/queue.ts";
import { makeRetry, type RetryOptions } from "../../src/engine/retry.ts";
import { Sender, type SenderPorts } from "../../src/engine/sender.ts";
import type { FreshPart } from "../../src/engine/signer.ts";
import { Source } from "../../src/engine/source.ts";
import { Waiting } from "../../src/engine/waiting.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

type Answer = (request: SendRequest) => SendResponse | Promise<SendResponse>;

const DONE: SendResponse = {
  status: 200,
  headers: new Headers({ etag: '"E"', "x-oss-request-id": "REQ-2" }),
  body: "",
};
const LOST: SendResponse = { status: 0, headers: new Headers(), body: "" };

function refusal(status: number, code: string, headers: Record<string, string> = {}): SendResponse {
  return { status, headers: new Headers(headers), body: `<Error><Code>${code}</Code></Error>` };
}

/** Sends part 2 of three, 10 bytes, of which each request gets the next answer, or the last one again. */
function setting(answers: readonly (SendResponse | Answer)[], limits: RetryOptions = {}) {
  const environment = new TestEnvironment();
  const { clock, connection, bandwidth } = environment;
  const api = environment.settings().api;
  const notices: (string | null)[] = [];
  const waiting = new Waiting(clock, (notice) => notices.push(notice));
  const explanations = new Explanations(api, { id: "1", destination: "default" });
  const meter = new ProgressMeter(25);
  const requests = new Semaphore(1);
  const seen = { sent: [] as SendRequest[], refused: [] as FreshPart[], taken: 0, stalls: 0, arrivals: 0 };
  const freshness = { isFresh: true };
  const ports: SenderPorts = {
    clock,
    transport: {
      send: async (request) => {
        seen.sent.push(request);
        const answer = answers[Math.min(seen.sent.length, answers.length) - 1] as SendResponse | Answer;
        return typeof answer === "function" ? answer(request) : answer;
      },
    },
    breaker: new CircuitBreaker({ connection, explanations, waiting, limits }),
    explanations,
    signer: {
      take: async (number, size) => {
        seen.taken += 1;
        const url = `https://oss.test/${seen.taken}`;
        return { number, size, url, method: "PUT", headers: {}, expires_at: "", startBefore: 0, batch: 0 };
      },
      isFresh: () => freshness.isFresh,
      refuse: (part) => seen.refused.push(part),
    },
    meter,
    source: new Source(fileOf(25)),
    plan: planOf(25, 10, 3),
    requests,
    waiting,
    bandwidth,
    retry: makeRetry({ connection, waiting }),
    limits,
    options: {},
    onprogress: () => {},
    onstall: () => {
      seen.stalls += 1;
    },
    onarrival: () => {
      seen.arrivals += 1;
    },
  };
  const { signal } = new AbortController();
  const send = (more: Partial<SenderPorts> = {}) =>
    clock.run(new Sender({ ...ports, ...more }).send(2, signal, signal));
  return { environment, clock, notices, meter, requests, seen, send, freshness, ports };
}

test("a part that OSS takes is done, with what OSS said of it", async () => {
  const { send, seen, meter } = setting([DONE]);
  expect(await send()).toEqual({
    part: { number: 2, size: 10, etag: '"E"' },
    requestId: "REQ-2",
    tries: 1,
  });
  expect(await seen.sent[0]?.body.text()).toBe((await fileOf(25).text()).slice(10, 20));
  expect([seen.arrivals, meter.loaded, meter.read().kept, meter.sentOf(2)]).toEqual([1, 10, 10, 0]);
});

test.each([
  ["is busy", refusal(503, "SlowDown"), "storage_busy"],
  ["has an error of its own", refusal(500, "InternalError"), "storage_busy"],
  ["gives no answer", LOST, "part_lost"],
])("while OSS %s the page says so, and the part is sent again on the same URL", async (_, answer, notice) => {
  const { send, seen, notices, meter } = setting([answer, DONE]);
  expect((await send()).tries).toBe(2);
  expect([seen.taken, seen.refused.length]).toEqual([1, 0]);
  expect(notices).toEqual([notice, null]);
  expect(meter.loaded).toBe(10);
});

test("a URL that OSS refused is not used again, and nothing is shown", async () => {
  const { send, seen, notices, clock } = setting([refusal(403, "AccessDenied"), DONE]);
  expect((await send()).tries).toBe(2);
  expect(seen.sent.map(({ signed }) => signed.url)).toEqual(["https://oss.test/1", "https://oss.test/2"]);
  expect(seen.refused.map(({ url }) => url)).toEqual(["https://oss.test/1"]);
  expect(clock.slept.filter((delay) => delay < 30_000)).toEqual([250]);
  expect(notices.filter(Boolean)).toEqual([]);
});

test("a URL that has expired while the part waited is not used", async () => {
  const { send, seen, freshness } = setting([
    () => {
      freshness.isFresh = false;
      return LOST;
    },
    DONE,
  ]);
  await send();
  expect(seen.sent.map(({ signed }) => signed.url)).toEqual(["https://oss.test/1", "https://oss.test/2"]);
  expect(seen.refused).toEqual([]);
});

describe("final is", () => {
  test("what OSS refuses for another reason", async () => {
    const { send, seen } = setting([refusal(400, "EntityTooLarge")]);
    await expect(send()).rejects.toBeInstanceOf(StorageError);
    expect(seen.sent).toHaveLength(1);
  });

  test("the fifth refusal of a fresh URL", async () => {
    const { send, seen } = setting([refusal(403, "AccessDenied")]);
    await expect(send()).rejects.toMatchObject({ code: "AccessDenied" });
    expect(seen.sent).toHaveLength(5);
  });

  test("the eighth error of OSS", async () => {
    const { send, seen } = setting([refusal(500, "InternalError")]);
    await expect(send()).rejects.toMatchObject({ code: "InternalError" });
    expect(seen.sent).toHaveLength(8);
  });

  test.each([
    ["no answer", LOST, NetworkError],
    ["a busy OSS", refusal(503, "SlowDown"), StorageError],
    ["an error of OSS", refusal(500, "InternalError"), StorageError],
  ])("%s, after as many attempts as the page allows", async (_, answer, error) => {
    const { send, seen, environment } = setting([answer], { attempts: 3 });
    environment.connection.reachable = false;
    await expect(send()).rejects.toBeInstanceOf(error);
    expect(seen.sent).toHaveLength(3);
  });
});

test("neither a busy OSS nor an unreachable one is final by itself", async () => {
  const busy = setting([...Array(30).fill(refusal(503, "SlowDown")), DONE]);
  expect((await busy.send()).tries).toBe(31);
  const down = setting([...Array(30).fill(LOST), DONE]);
  down.environment.connection.reachable = false;
  expect((await down.send()).tries).toBe(31);
});

describe("the delay before the next attempt", () => {
  const delays = (slept: readonly number[]) => slept.filter((delay) => delay !== 30_000);

  test("doubles with each failure", async () => {
    const { send, clock } = setting([...Array(4).fill(refusal(500, "InternalError")), DONE]);
    await send();
    expect(delays(clock.slept)).toEqual([250, 500, 1000, 2000]);
  });

  test("is what OSS asks for", async () => {
    const { send, clock } = setting([refusal(503, "SlowDown", { "retry-after": "20" }), DONE]);
    await send();
    expect(delays(clock.slept)).toEqual([20_000]);
  });

  test("is at most what the page says", async () => {
    const { send, clock } = setting([...Array(5).fill(refusal(500, "InternalError")), DONE], {
      maxDelay: 1000,
    });
    await send();
    expect(delays(clock.slept)).toEqual([250, 500, 500, 500, 500]);
  });
});

describe("a request without progress", () => {
  const stalled: Answer = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });

  test("is ended after 30 seconds, and the part is sent again", async () => {
    const { send, seen, clock, notices } = setting([stalled, DONE]);
    expect((await send()).tries).toBe(2);
    expect(seen.stalls).toBe(1);
    expect(clock.now()).toBe(30_250);
    expect(notices).toEqual(["part_lost", null]);
  });

  test("is ended after the time that the page says", async () => {
    const { send, clock } = setting([stalled, DONE]);
    await send({ options: { timeouts: { storage: 5000 } } });
    expect(clock.now()).toBe(5250);
  });

  test("is not one that makes progress; what repeats a number makes none", async () => {
    const { send, seen, environment } = setting([
      async ({ onprogress }) => {
        for (const loaded of [3, 6, 9]) {
          await environment.clock.sleep(20_000, new AbortController().signal);
          onprogress(loaded);
        }
        return DONE;
      },
    ]);
    expect((await send()).tries).toBe(1);
    const other = setting([
      (request) => {
        for (const after of [1, 2, 3]) {
          other.clock
            .sleep(after * 20_000, request.signal)
            .then(() => request.onprogress(5))
            .catch(() => {});
        }
        return stalled(request);
      },
      DONE,
    ]);
    await other.send();
    expect([seen.stalls, other.seen.stalls]).toEqual([0, 1]);
    expect(other.clock.now()).toBe(50_250);
  });
});

test("progress counts no more bytes than the part has, and those of a lost request no longer", async () => {
  const loaded: number[] = [];
  const { send, meter } = setting([
    ({ onprogress }) => {
      onprogress(4);
      onprogress(1000);
      return LOST;
    },
    ({ onprogress }) => {
      onprogress(0);
      return DONE;
    },
  ]);
  await send({ onprogress: () => loaded.push(meter.loaded) });
  expect(loaded).toEqual([4, 10, 0]);
});

test("after an error that is final, nothing of the part is counted, and its connection is free", async () => {
  const { send, meter, requests } = setting([
    ({ onprogress }) => {
      onprogress(7);
      return refusal(400, "EntityTooLarge");
    },
  ]);
  await expect(send()).rejects.toBeInstanceOf(StorageError);
  expect(meter.loaded).toBe(0);
  const release = await requests.acquire(AbortSignal.timeout(10_000));
  release();
});

test("while a part waits to be sent again, none of its bytes are counted, nor after an error of our own", async () => {
  const progress: Answer = ({ onprogress }) => {
    onprogress(7);
    return LOST;
  };
  const { send, meter, clock } = setting([progress, DONE]);
  const counted: number[] = [];
  await send({ waiting: new Waiting(clock, () => counted.push(meter.loaded)) });
  expect(counted[0]).toBe(0);
  const broken = setting([
    ({ onprogress }) => {
      onprogress(7);
      throw new TypeError("ours");
    },
  ]);
  const returned: number[] = [];
  broken.environment.bandwidth.giveBack = (bytes) => {
    returned.push(bytes);
  };
  await expect(broken.send()).rejects.toThrow("ours");
  expect([broken.meter.loaded, returned]).toEqual([0, [3]]);
});

test("a file that cannot be read any more ends its upload instead of waiting for the network", async () => {
  const { send, seen } = setting([LOST]);
  const source = new Source(fileOf(25));
  source.assertReadable = () => Promise.reject(new TypeError("gone"));
  await expect(send({ source })).rejects.toThrow("gone");
  expect(seen.sent).toHaveLength(1);
});

test("the page may change the request, but not its method", async () => {
  const { send, seen } = setting([DONE]);
  await send({
    options: {
      onBeforeRequest: async (request) => {
        expect(request).toMatchObject({ target: "storage", method: "PUT", url: "https://oss.test/1" });
        Object.assign(request, { method: "POST", url: "https://proxy.test/1" });
        request.headers["x-page"] = "yes";
      },
    },
  });
  expect(seen.sent[0]?.signed).toMatchObject({
    method: "PUT",
    url: "https://proxy.test/1",
    headers: { "x-page": "yes" },
  });
});

/** A circuit breaker that is closed or open as a test says, and what it was told. */
function recording(isOpen = false) {
  const told: unknown[] = [];
  const breaker: SenderPorts["breaker"] = {
    isOpen,
    acquire: async () => {
      told.push("acquired");
      return () => told.push("recorded");
    },
    recordResponse: () => told.push("response"),
    recordBusy: ({ code }) => told.push(code),
    recordStall: () => told.push("stall"),
    recordNoResponse: async ({ url }, startedAt) => {
      told.push(`nothing from ${url} since ${startedAt}`);
    },
  };
  return { breaker, told };
}

describe("the circuit breaker is told", () => {
  test.each([
    ["of an answer", DONE, "response"],
    ["of a refusal, which is an answer", refusal(403, "AccessDenied"), "response"],
    ["that OSS is busy", refusal(503, "SlowDown"), "SlowDown"],
    ["that nothing came back", LOST, "nothing from https://oss.test/1 since 0"],
  ])("%s, before the next request starts", async (_, first, record) => {
    const { breaker, told } = recording();
    const { send } = setting([first, DONE]);
    await send({ breaker });
    expect(told.slice(0, 3)).toEqual(["acquired", record, "recorded"]);
  });

  test("of a request without progress", async () => {
    const { breaker, told } = recording();
    const { send } = setting([
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      DONE,
    ]);
    await send({ breaker });
    expect(told).toEqual(["acquired", "stall", "recorded", "acquired", "response", "recorded"]);
  });

  test("that the request is over where the file cannot be read", async () => {
    const { breaker, told } = recording();
    const { send } = setting([LOST]);
    const source = new Source(fileOf(25));
    source.assertReadable = () => Promise.reject(new TypeError("gone"));
    await expect(send({ breaker, source })).rejects.toThrow("gone");
    expect(told).toEqual(["acquired", "recorded"]);
  });
});

test.each([
  ["gives no answer", LOST],
  ["is busy", refusal(503, "SlowDown")],
])("while the circuit breaker is open and OSS %s, the part does not wait by itself", async (_, answer) => {
  const { breaker } = recording(true);
  const { send, clock, notices } = setting([answer, answer, DONE]);
  expect((await send({ breaker })).tries).toBe(3);
  expect([clock.now(), notices]).toEqual([0, []]);
});

test("while the circuit breaker is open, an error of OSS is waited for, and final, as always", async () => {
  const { breaker } = recording(true);
  const once = setting([refusal(500, "InternalError"), DONE]);
  await once.send({ breaker });
  expect(once.clock.now()).toBe(250);
  const always = setting([refusal(500, "InternalError")]);
  await expect(always.send({ breaker })).rejects.toMatchObject({ code: "InternalError" });
  expect(always.seen.sent).toHaveLength(8);
});

test("while other parts get through, a part without an answer is final, and one at a busy OSS is not", async () => {
  const lost = setting([LOST]);
  await expect(lost.send({ breaker: recording().breaker })).rejects.toBeInstanceOf(NetworkError);
  expect(lost.seen.sent).toHaveLength(8);
  const busy = setting([...Array(30).fill(refusal(503, "SlowDown")), DONE]);
  expect((await busy.send({ breaker: recording().breaker })).tries).toBe(31);
});

test("each refusal of a URL is waited for longer", async () => {
  const { send, clock } = setting([refusal(403, "AccessDenied"), refusal(403, "AccessDenied"), DONE]);
  await send({ breaker: recording().breaker });
  expect(clock.now()).toBe(750);
});

test("the page sees the headers that were signed, and changes a copy of them", async () => {
  const { send, seen, ports } = setting([DONE]);
  const headers = { "content-md5": "x" };
  const take: SenderPorts["signer"]["take"] = async (...part) => ({
    ...(await ports.signer.take(...part)),
    headers,
  });
  await send({
    signer: { ...ports.signer, take },
    options: {
      onBeforeRequest: async (request) => {
        request.headers["x-page"] = "yes";
      },
    },
  });
  expect(seen.sent[0]?.signed.headers).toEqual({ "content-md5": "x", "x-page": "yes" });
  expect(headers).toEqual({ "content-md5": "x" });
});

test("the notice of a wait says what OSS answered, and for how long", async () => {
  const facts: unknown[] = [];
  const { send, clock } = setting([refusal(503, "SlowDown"), DONE]);
  await send({ waiting: new Waiting(clock, (...notice) => facts.push(notice)) });
  expect(facts).toEqual([["storage_busy", { code: "SlowDown", wait: 1 }, 250], [null]]);
});

test("a part that got no answer too often says that OSS cannot be reached", async () => {
  const { send } = setting([LOST], { attempts: 2 });
  await expect(send()).rejects.toMatchObject({ name: "NetworkError", sentence: "storage_unreachable" });
});

test("an error of the transport that is no stall is passed on", async () => {
  const { send, seen } = setting([
    () => {
      throw new TypeError("ours");
    },
  ]);
  await expect(send()).rejects.toThrow("ours");
  expect([seen.sent.length, seen.stalls]).toEqual([1, 0]);
});

test("each report of progress is passed on, with the bytes of the part alone", async () => {
  const advanced: number[][] = [];
  const { send, meter, clock } = setting([
    async ({ onprogress }) => {
      onprogress(4);
      onprogress(12);
      return DONE;
    },
  ]);
  let reports = 0;
  const advance = (...values: [number, number, number, number]) => {
    advanced.push(values);
    meter.advance(...values);
  };
  const { finish, drop } = meter;
  const own = { advance, finish: finish.bind(meter), drop: drop.bind(meter) };
  await send({ meter: own, onprogress: () => reports++ });
  expect(advanced).toEqual([
    [2, 4, 10, clock.now()],
    [2, 10, 10, clock.now()],
  ]);
  expect(reports).toBe(2);
});

test("of a request that was lost on its way, the bytes that were sent stay charged", async () => {
  const returned: number[] = [];
  const { send, environment } = setting([
    ({ onprogress }) => {
      onprogress(4);
      return LOST;
    },
    DONE,
  ]);
  const { bandwidth } = environment;
  bandwidth.giveBack = (bytes) => {
    returned.push(bytes);
  };
  await send();
  expect(returned).toEqual([6]);
});

test("a sender with other ports is one of its own", () => {
  const { ports } = setting([DONE]);
  const first = new Sender(ports);
  const other = first.with({ ...ports, limits: { attempts: 1 } });
  expect([other.ports.limits, first.ports.limits]).toEqual([{ attempts: 1 }, {}]);
});

test("under a limit of the bandwidth, bytes that were not sent are not charged", async () => {
  const { send, clock, environment } = setting([refusal(403, "AccessDenied"), LOST, DONE]);
  const charged: number[] = [];
  const { bandwidth } = environment;
  const returned: number[] = [];
  bandwidth.acquire = async (bytes) => {
    charged.push(bytes);
  };
  bandwidth.giveBack = (bytes) => {
    returned.push(bytes);
  };
  await send();
  expect(clock.now()).toBeGreaterThan(0);
  expect(charged).toEqual([10, 10, 10]);
  expect(returned).toEqual([10]); // OSS has read a request that it refuses.
});
