// Integrity: OSS holds what was sent, each part and the whole.

import { describe, expect, test } from "vitest";
import { json, problem } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";
import { crc64Of } from "../store.ts";

describe("the engine", () => {
  test("a part that arrives damaged is sent again, and the object is whole", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) => (number === 3 && tries <= 2 ? "damaged" : undefined);
    const file = fileOf(100);
    const upload = environment.open().upload(file);
    const notices: string[] = [];
    upload.addEventListener("notice", ({ message }) => notices.push(message));
    await environment.clock.run(upload.done);
    expect(environment.store.tries(3)).toBe(3);
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
    expect(notices.some((notice) => notice.startsWith("Parts damaged in transit: 1."))).toBe(true);
  });

  test("a pause while parts are compared does not hide the damage", async () => {
    const environment = new TestEnvironment();
    const { hasher } = environment;
    const hash = hasher.hash.bind(hasher);
    hasher.hash = async (algorithm, blob) => {
      await environment.clock.sleep(60_000, new AbortController().signal);
      return hash(algorithm, blob);
    };
    environment.store.fault = (number, tries) => (number === 1 && tries === 1 ? "damaged" : undefined);
    const file = fileOf(30);
    const upload = environment.open().upload(file);
    await environment.clock.until(() => upload.notice?.name === "checking");
    upload.pause();
    upload.resume();
    await environment.clock.run(upload.done);
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
  });

  test("permanent damage fails the upload; the other parts are kept", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number) => (number === 3 ? "damaged" : undefined);
    const upload = environment.open().upload(fileOf(100));
    await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "damaged" });
    environment.store.fault = () => undefined;
    upload.resume();
    await environment.clock.run(upload.done);
    expect(environment.store.tries(1)).toBe(1);
  });

  test("the complete call carries the CRC64 of the whole file", async () => {
    const environment = new TestEnvironment();
    const file = fileOf(95);
    await environment.clock.run(environment.open().upload(file).done);
    const complete = environment.backend.calls.find(({ path }) => path.endsWith("complete/"));
    expect(complete?.body.crc64).toBe(await crc64Of(file));
  });

  test("where CORS hides OSS's CRC64, ours is reported to the backend", async () => {
    const environment = new TestEnvironment();
    environment.store.exposesCrc64 = false;
    environment.store.exposesEtag = false;
    await environment.clock.run(environment.open().upload(fileOf(30)).done);
    const complete = environment.backend.calls.find(({ path }) => path.endsWith("complete/"));
    expect(complete?.body.done).toEqual(
      [1, 2, 3].map((number) => ({ number, size: 10, crc64: expect.stringMatching(/^\d+$/) })),
    );
  });

  test("a file in one request that arrives damaged is uploaded again, since OSS does not overwrite it", async () => {
    const environment = new TestEnvironment();
    const { backend, store } = environment;
    backend.partSize = 100;
    store.fault = () => {
      if (store.sent.length === 0) return "damaged";
      return backend.rows.size === 1 ? { status: 409, code: "FileAlreadyExists" } : undefined;
    };
    const { id } = await environment.clock.run(environment.open().upload(fileOf(50)).done);
    expect([id, [...backend.rows.values()].map(({ state }) => state)]).toEqual([
      "u2",
      ["aborted", "completed"],
    ]);
  });

  test.each(["paused", "left alone"])(
    "a damaged file whose upload cannot be aborted is uploaded again: %s",
    async (how) => {
      const environment = new TestEnvironment();
      const { backend, store } = environment;
      backend.partSize = 100;
      store.fault = () => (store.sent.length === 0 ? "damaged" : undefined);
      let asked = 0;
      backend.fault = ({ method }) => {
        if (method !== "DELETE" || asked++ > 20) return undefined;
        Object.assign(backend.rows.get("u1") ?? {}, { state: "aborted" }); // OSS has not answered.
        return problem(503, "storage_busy");
      };
      const upload = environment.open().upload(fileOf(50));
      await environment.clock.until(() => asked > 0);
      if (how === "paused") {
        upload.pause();
        upload.resume();
      }
      expect((await environment.clock.run(upload.done)).id).toBe("u2");
    },
  );

  test("a damaged file that somebody else completes before it is aborted ends as that upload does", async () => {
    const environment = new TestEnvironment();
    const { backend, store } = environment;
    backend.partSize = 100;
    store.fault = () => (store.sent.length === 0 ? "damaged" : undefined);
    backend.fault = ({ method }) => {
      if (method !== "DELETE") return undefined;
      const refusal = { title: "Not allowed", detail: "It is completing.", code: "wrong_state" };
      return json(409, { ...refusal, errors: { state: ["completing"] } });
    };
    const upload = environment.open().upload(fileOf(50));
    expect((await environment.clock.run(upload.done)).id).toBe("u1");
    expect([...backend.rows.keys()]).toEqual(["u1"]);
  });

  test("where CORS hides OSS's CRC64, a part that arrived damaged before a pause is sent again", async () => {
    const environment = new TestEnvironment();
    environment.store.exposesCrc64 = false;
    environment.store.fault = (number, tries) => (number === 1 && tries === 1 ? "damaged" : undefined);
    const file = fileOf(200);
    const upload = environment.open().upload(file);
    await environment.arrive(5);
    upload.pause();
    upload.resume();
    await environment.clock.run(upload.done);
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
  });

  test("held parts whose bytes differ from the file are sent again", async () => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(100));
    await environment.arrive(5);
    first.pause();
    const row = environment.backend.only;
    environment.store.hold(row.key).set(2, new Blob(["0123456789"]));
    environment.store.crc64s.set(`${row.key} 2`, await crc64Of(new Blob(["0123456789"])));
    const file = fileOf(100);
    await environment.clock.run(environment.open().upload(file).done);
    expect(await environment.backend.object(row)).toBe(await file.text());
    expect(environment.store.tries(1)).toBe(1);
    expect(environment.store.tries(2)).toBe(2);
  });

  test("with 'md5' each part is hashed before its URL is requested, a few at a time", async () => {
    const environment = new TestEnvironment();
    await environment.clock.run(environment.open({ integrity: "md5" }).upload(fileOf(200)).done);
    const [create] = environment.backend.calls.filter(
      ({ path, method }) => path === "uploads/" && method === "POST",
    );
    expect(create?.body.sign).toBe(0);
    const signed = environment.backend.calls
      .filter(({ path }) => path.endsWith("sign/"))
      .map(({ body }) => body.parts);
    expect(signed.every((parts) => parts.length <= 8)).toBe(true);
    expect(signed.flat().map((part: { number: number }) => part.number)).toHaveLength(20);
    for (const { number, content_md5 } of signed.flat()) {
      const start = (number - 1) * 10;
      expect(content_md5).toBe(`md5-${(await fileOf(200).text()).slice(start, start + 10)}`);
    }
  });

  test("with 'md5' a part that OSS refuses as damaged is sent again", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) =>
      number === 3 && tries <= 2 ? { status: 400, code: "InvalidDigest" } : undefined;
    const file = fileOf(100);
    await environment.clock.run(environment.open({ integrity: "md5" }).upload(file).done);
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
  });

  test("with 'none' nothing is hashed", async () => {
    const environment = new TestEnvironment();
    await environment.clock.run(environment.open({ integrity: "none" }).upload(fileOf(30)).done);
    expect(environment.hasher.asked).toEqual([]);
  });
});
