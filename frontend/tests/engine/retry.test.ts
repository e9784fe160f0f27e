import { expect, test } from "vitest";
import { ApiError, LoginError, NetworkError, UploadError } from "../../src/engine/errors.ts";
import { backoff, delayBefore, makeRetry, retryAfter } from "../../src/engine/retry.ts";
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
