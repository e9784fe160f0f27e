import { expect, test } from "vitest";
import { ApiError, LoginError, NetworkError, UploadError } from "../../src/engine/errors.ts";
import { backoff, briefRetry, delayBefore, makeRetry, retryAfter } from "../../src/engine/retry.ts";
import { seconds, Waiting } from "../../src/engine/waiting.ts";
import { TestEnvironment } from "../environment.ts";

test("the ceiling doubles from 0.5 s to 30 s, and the delay is any value below it", () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 20].map((attempt) => backoff(attempt, () => 1));
  expect(ceilings).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(backoff(5, () => 0)).toBe(0);
  expect(backoff(5, () => 0.25)).toBe(2000);
});

test.each([
  ["0", 0],
  ["7", 7],
  [" 120 ", 120],
  ["2592000", 86_400],
  [null, null],
  ["", null],
  ["-1", null],
  ["1.5", null],
  ["Wed, 21 Oct 2015 07:28:00 GMT", null],
])("Retry-After %j is %j seconds", (value, expected) => {
  expect(retryAfter(value)).toBe(expected);
});

test("the delay is at least Retry-After and at least the backoff", () => {
  expect(delayBefore(1, 9, () => 1)).toBe(9000);
  expect(delayBefore(6, 1, () => 1)).toBe(16_000);
  expect(delayBefore(1, null, () => 0)).toBe(0);
});

test("seconds are rounded up, and at least 1", () => {
  expect([0, 1, 1000, 1001].map(seconds)).toEqual([1, 1, 1, 2]);
});

function setting() {
  const environment = new TestEnvironment();
  const { signal } = new AbortController();
  const notices: (string | null)[] = [];
  const { clock, connection } = environment;
  const waiting = new Waiting(clock, (notice) => notices.push(notice));
  const retry = makeRetry({ connection, waiting });
  const limited = makeRetry({ connection, waiting }, { attempts: 20 });
  return { environment, notices, retry, limited, signal };
}

test("a call is repeated until it succeeds, and the notice is removed", async () => {
  const { environment, notices, retry, signal } = setting();
  let calls = 0;
  const attempt = async () => {
    if (++calls < 4) throw new NetworkError("server_unreachable");
    return "there";
  };
  expect(await environment.clock.run(retry(attempt, signal))).toBe("there");
  expect(environment.clock.slept).toEqual([250, 500, 1000]);
  expect(notices.at(-1)).toBe(null);
});

test("errors that are not retryable are not retried", async () => {
  const { environment, retry, signal } = setting();
  for (const error of [
    new LoginError({ code: "not_authenticated", title: "", detail: "" }),
    new UploadError({ code: "x", title: "", detail: "" }),
    new TypeError("ours"),
  ]) {
    let calls = 0;
    const attempt = () => {
      calls += 1;
      return Promise.reject(error);
    };
    await expect(environment.clock.run(retry(attempt, signal))).rejects.toBe(error);
    expect(calls).toBe(1);
  }
});

test("an error that may never pass is final after some attempts", async () => {
  const { environment, retry, signal } = setting();
  let calls = 0;
  const attempt = () => {
    calls += 1;
    return Promise.reject(new NetworkError("code_unreachable"));
  };
  await expect(environment.clock.run(retry(attempt, signal))).rejects.toThrow("Network error.");
  expect(calls).toBe(14);
  expect(environment.clock.now()).toBeGreaterThan(60_000);
});

test.each([
  ["that cannot be reached", new NetworkError("server_unreachable")],
  ...[408, 429, 502, 503, 504].map(
    (status) =>
      [
        `that answers ${status}`,
        new ApiError({ code: "busy", title: "Busy.", detail: "", status, retryable: true }),
      ] as const,
  ),
] as const)(
  "a server %s is tried for as long as the page lives, or as often as the page says",
  async (_, error) => {
    const { environment, retry, signal, limited } = setting();
    let calls = 0;
    const attempt = async () => {
      if (++calls < 200) throw error;
      return "there";
    };
    expect(await environment.clock.run(retry(attempt, signal))).toBe("there");
    expect(environment.clock.now()).toBeGreaterThan(3_000_000 / 2);
    calls = 0;
    await expect(environment.clock.run(limited(attempt, signal))).rejects.toBe(error);
    expect(calls).toBe(20);
  },
);

test("waiting for the network uses up no attempts", async () => {
  const { environment, notices, retry, signal } = setting();
  environment.connection.online = false;
  let calls = 0;
  const attempt = async () => {
    if (++calls < 2) throw new NetworkError("server_unreachable");
    return "there";
  };
  const result = retry(attempt, signal);
  await environment.clock.pass(3_600_000);
  expect(calls).toBe(1);
  expect(notices).toEqual(["offline"]);
  environment.connection.comeBack();
  expect(await environment.clock.run(result)).toBe("there");
});

test("what every wait is told: the notice, its length, and when it ends", async () => {
  const { clock } = new TestEnvironment();
  const told: unknown[] = [];
  const waiting = new Waiting(clock, (...notice) => told.push(notice));
  const { signal } = new AbortController();
  await clock.pass(100);
  const first = waiting.wait(2500, signal, "storage_busy", { code: "SlowDown" });
  expect(told).toEqual([["storage_busy", { code: "SlowDown", wait: 3 }, 2600]]);
  waiting.end();
  expect(told).toHaveLength(1); // Something still waits.
  await clock.run(first);
  expect(clock.now()).toBe(2600);
  expect(told).toHaveLength(1); // The notice stays until `end`.
  waiting.end();
  expect(told[1]).toEqual([null]);
});

test("all waits can be ended early, and those that come later are not", async () => {
  const { clock } = new TestEnvironment();
  const waiting = new Waiting(clock, () => {});
  const { signal } = new AbortController();
  const waits = [waiting.wait(60_000, signal, "part_lost"), waiting.wait(90_000, signal, "part_lost")];
  waiting.tryNow();
  await Promise.all(waits);
  expect(clock.now()).toBe(0);
  await clock.run(waiting.wait(1000, signal, "part_lost"));
  expect(clock.now()).toBe(1000);
});

test("a wait ends with its upload, and is no longer in the way of the notice", async () => {
  const { clock } = new TestEnvironment();
  const told: unknown[] = [];
  const waiting = new Waiting(clock, (notice) => told.push(notice));
  const stop = new AbortController();
  const wait = waiting.wait(60_000, stop.signal, "part_lost");
  stop.abort(new Error("paused"));
  await expect(wait).rejects.toThrow("paused");
  waiting.end();
  expect(told).toEqual(["part_lost", null]);
});

test("a call without a failure shows nothing; a failed one says so, and that it is tried again", async () => {
  const { environment, notices, retry, signal } = setting();
  await retry(async () => "there", signal);
  expect(notices).toEqual([]);
  let calls = 0;
  const attempt = async () => {
    if (++calls < 3) throw new NetworkError("server_unreachable");
  };
  await environment.clock.run(retry(attempt, signal));
  expect(notices).toEqual(["server_down", "server_probe", "server_down", "server_probe", null]);
});

test("after the network came back the first pauses are short again", async () => {
  const { environment, retry, signal } = setting();
  const { clock, connection } = environment;
  let calls = 0;
  const attempt = async () => {
    if (++calls === 4) connection.online = false;
    if (calls < 7) throw new NetworkError("server_unreachable");
  };
  const result = retry(attempt, signal);
  await clock.pass(600_000);
  expect(calls).toBe(4);
  connection.comeBack();
  await clock.run(result);
  expect(clock.slept).toEqual([250, 500, 1000, 250, 250, 500]);
});

test("while the device is offline, a refusal of the server is still repeated after its delay", async () => {
  const { environment, retry, signal, notices } = setting();
  environment.connection.online = false;
  let calls = 0;
  const attempt = async () => {
    if (++calls === 1)
      throw new ApiError({
        code: "busy",
        title: "",
        detail: "",
        status: 503,
        retryable: true,
        retryAfter: 9,
      });
  };
  await environment.clock.run(retry(attempt, signal));
  expect(environment.clock.now()).toBe(9000);
  expect(notices).not.toContain("offline");
});

test("an upload that was aborted shows no notice, and gives the reason", async () => {
  const { environment, retry, notices } = setting();
  const stop = new AbortController();
  const attempt = async () => {
    stop.abort(new Error("aborted here"));
    throw new NetworkError("server_unreachable");
  };
  await expect(environment.clock.run(retry(attempt, stop.signal))).rejects.toThrow("aborted here");
  expect(notices).toEqual([]);
});

test("a server that answers with another error is tried fourteen times, or as often as the page says", async () => {
  const { environment, retry, limited, signal } = setting();
  const error = new ApiError({ code: "broken", title: "", detail: "", status: 500, retryable: true });
  for (const [run, most] of [
    [retry, 14],
    [limited, 20],
  ] as const) {
    let calls = 0;
    const attempt = async () => {
      calls += 1;
      throw error;
    };
    await expect(environment.clock.run(run(attempt, signal))).rejects.toBe(error);
    expect(calls).toBe(most);
  }
});

test("a page may shorten the pauses, unless the server asks for more", async () => {
  const { environment, signal } = setting();
  const { clock, connection } = environment;
  const retry = makeRetry({ connection, waiting: new Waiting(clock, () => {}) }, { maxDelay: 600 });
  let calls = 0;
  const attempt = async () => {
    calls += 1;
    const retryAfter = calls === 3 ? 2 : null;
    const fields = { code: "busy", title: "", detail: "", status: 503, retryable: true, retryAfter };
    if (calls < 5) throw new ApiError(fields);
  };
  await clock.run(retry(attempt, signal));
  expect(clock.slept).toEqual([250, 300, 2000, 300]);
});

test("a call that shows no notice ends, too", async () => {
  const environment = new TestEnvironment();
  let calls = 0;
  const attempt = async () => {
    calls += 1;
    throw new NetworkError("server_unreachable");
  };
  const result = briefRetry(environment)(attempt, new AbortController().signal);
  await expect(environment.clock.run(result)).rejects.toBeInstanceOf(NetworkError);
  expect(calls).toBe(14);
});
