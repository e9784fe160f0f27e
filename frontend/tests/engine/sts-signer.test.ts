// Signing in the browser: the server's time, and credentials that are renewed once for all parts.

import { describe, expect, test } from "vitest";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

describe('with signing "sts" the engine', () => {
  test("signs parts itself: three calls to the backend and the checkpoints", async () => {
    const environment = new TestEnvironment();
    environment.backend.credentialsLife = 3600;
    const file = fileOf(500);
    await environment.clock.run(environment.open({ signing: "sts" }).upload(file).done);
    expectEachOnce(environment, 50);
    expect(environment.backend.count("POST", "credentials/")).toBe(1);
    expect(environment.backend.count("POST", "sign/")).toBe(0);
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
  });

  test("renews the credentials once for all parts, before they expire", async () => {
    const environment = new TestEnvironment();
    environment.backend.credentialsLife = 900;
    environment.store.speed = 0.4; // a part in 25 seconds
    await environment.clock.run(environment.open({ signing: "sts" }).upload(fileOf(5000)).done);
    const lives = environment.clock.now() / 900_000;
    expect(environment.backend.count("POST", "credentials/")).toBeGreaterThan(1);
    expect(environment.backend.count("POST", "credentials/")).toBeLessThanOrEqual(Math.ceil(lives * 1.6) + 1);
    expect(environment.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
  });

  test("uses the backend's signatures where the site issues no credentials", async () => {
    const environment = new TestEnvironment();
    await environment.clock.run(environment.open({ signing: "sts" }).upload(fileOf(300)).done);
    expectEachOnce(environment, 30);
    expect(environment.backend.count("POST", "credentials/")).toBe(1);
    expect(environment.backend.count("POST", "sign/")).toBeGreaterThan(0);
  });

  test("uses the backend's signatures where the browser cannot sign", async () => {
    const environment = new TestEnvironment();
    environment.backend.credentialsLife = 3600;
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    try {
      await environment.clock.run(environment.open({ signing: "sts" }).upload(fileOf(100)).done);
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
    }
    expect(environment.backend.count("POST", "credentials/")).toBe(0);
    expectEachOnce(environment, 10);
  });
});
