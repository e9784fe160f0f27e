// Options for other clients.

import { expect, it } from "vitest";
import { aliOssOptions } from "../../src/adapters/ali-oss.ts";
import { uppyOptions } from "../../src/adapters/uppy.ts";
import { TestEnvironment } from "../environment.ts";

/** The shortest life of credentials of STS, in milliseconds. */
const SHORTEST = 15 * 60_000;

/** A backend that issues the same credentials until a third of their life is left. */
function issuer(life: number): { environment: TestEnvironment; end: () => number } {
  const environment = new TestEnvironment();
  let count = 0;
  let end = 0;
  environment.backend.fault = ({ path }) => {
    if (path !== "credentials/") return undefined;
    if (end - environment.serverTime() <= life / 3) {
      count += 1;
      end = environment.serverTime() + life;
    }
    return Response.json({
      access_key_id: `STS.${count}`,
      access_key_secret: "secret",
      security_token: `token ${count}`,
      expires_at: new Date(end).toISOString(),
      endpoint: "https://oss.test",
      region: "cn-hangzhou",
      bucket: "films",
      prefix: "uploads/7/",
      addressing: "cname",
    });
  };
  return { environment, end: () => end };
}

it.each([
  ["fresh", 0],
  ["half used", 0.5],
  ["about to be renewed", 0.66],
])("never leaves ali-oss with expired credentials, though the first were %s", async (_, used) => {
  for (const life of [SHORTEST, 4 * SHORTEST]) {
    const { environment, end } = issuer(life);
    await environment.clock.run(aliOssOptions({}, environment)); // another tab
    await environment.clock.pass(life * used);
    const options = await environment.clock.run(aliOssOptions({}, environment));
    expect([options.cname, options.sldEnable, options.secure]).toEqual([true, false, true]);
    for (let round = 0; round < 40; round++) {
      await environment.clock.pass(options.refreshSTSTokenInterval);
      expect(end(), `round ${round}`).toBeGreaterThan(environment.serverTime());
      await environment.clock.run(options.refreshSTSToken());
    }
  }
});

it("registers what ali-oss has uploaded, in the same destination", async () => {
  const { environment } = issuer(SHORTEST);
  const fault = environment.backend.fault;
  const calls: unknown[] = [];
  environment.backend.fault = (call) => {
    if (call.path !== "uploads/register/") return fault?.(call);
    calls.push(call.body);
    return Response.json({ id: "1", state: "completed" });
  };
  const options = await environment.clock.run(aliOssOptions({ destination: "films" }, environment));
  expect(options.trafficLimit).toBe(null);
  const upload = await environment.clock.run(options.register("uploads/7/a.bin"));
  expect(upload.state).toBe("completed");
  expect(calls).toEqual([{ destination: "films", key: "uploads/7/a.bin" }]);
});

it("gives Uppy 6 and Uppy 5 one URL, without the slash that they add", async () => {
  const environment = new TestEnvironment();
  environment.backend.fault = ({ path, body }) =>
    path === "uppy/"
      ? Response.json({
          companion_url: `https://page.test/api/uppy/${body.destination}:x/`,
          expires_at: "2044-02-29T12:00:00Z",
        })
      : undefined;
  expect(await environment.clock.run(uppyOptions({ destination: "films" }, environment))).toEqual({
    companionEndpoint: "https://page.test/api/uppy/films:x",
    endpoint: "https://page.test/api/uppy/films:x",
    shouldUseMultipart: true,
    signPart: expect.any(Function),
    expiresAt: "2044-02-29T12:00:00Z",
  });
});
