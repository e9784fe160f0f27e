// Options of an uploader and of each upload: which there are, and what they do.

import { describe, expect, test } from "vitest";
import { ConfigurationError, FileError } from "../../src/engine/errors.ts";
import type { OutgoingRequest } from "../../src/engine/http.ts";
import type { UploaderOptions, UploadOptions } from "../../src/engine/options.ts";
import { problem } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

function bodies({ backend }: TestEnvironment): Record<string, unknown>[] {
  return backend.calls.filter(({ path }) => path === "uploads/").map(({ body }) => body);
}

describe("an option that does not exist", () => {
  test.each([
    ["paralel", "parallel"],
    ["header", "headers"],
    ["Destination", "destination"],
    ["partsize", "partSize"],
    ["onBeforeRequests", "onBeforeRequest"],
    ["timeout", "timeouts"],
    ["retries", "retry"],
  ])("%s is refused, and the nearest named", (name, nearest) => {
    const environment = new TestEnvironment();
    const text = `There is no option "${name}"; the nearest is "${nearest}".`;
    const wrong = { [name]: 1 } as UploaderOptions;
    expect(() => environment.open(wrong)).toThrow(ConfigurationError);
    expect(() => environment.open(wrong)).toThrow(text);
    expect(() => environment.open().upload(fileOf(5), wrong as UploadOptions)).toThrow(text);
  });

  test("is none of an upload's own, which its uploader does not take", () => {
    expect(() => new TestEnvironment().open({ filename: "a" } as UploaderOptions)).toThrow("filename");
  });
});

describe("an upload", () => {
  test("is created with the options of its uploader and its own", async () => {
    const environment = new TestEnvironment();
    const page = environment.open({
      destination: "films",
      options: { storage_class: "IA", cache_control: "no-store" },
      metadata: { shelf: "7" },
      partSize: 20,
    });
    const own: object = {
      options: { cache_control: "max-age=60" },
      metadata: { row: "1" },
      integrity: undefined,
    };
    await environment.clock.run(page.upload(fileOf(5), own as UploadOptions).done);
    await environment.clock.run(page.upload(fileOf(6), { destination: "music", partSize: 30 }).done);
    expect(bodies(environment)).toMatchObject([
      {
        destination: "films",
        options: { storage_class: "IA", cache_control: "max-age=60" },
        metadata: { shelf: "7", row: "1" },
        part_size: 20,
      },
      {
        destination: "music",
        options: { cache_control: "no-store" },
        metadata: { shelf: "7" },
        part_size: 30,
      },
    ]);
  });

  test("without them asks for nothing", async () => {
    const environment = new TestEnvironment();
    await environment.clock.run(environment.open().upload(fileOf(5)).done);
    expect(Object.keys(bodies(environment)[0] ?? {})).not.toEqual(
      expect.arrayContaining(["options", "part_size"]),
    );
  });

  test("may have headers and a login of its own", async () => {
    const environment = new TestEnvironment();
    const page = environment.open({ authorization: "Token page", headers: { "X-Page": "1" } });
    await environment.clock.run(page.upload(fileOf(5), { authorization: async () => "Token own" }).done);
    await environment.clock.run(page.upload(fileOf(6)).done);
    const sent = environment.backend.calls.map(({ headers }) => headers.get("authorization"));
    expect(sent).toEqual(["Token own", "Token own", "Token page", "Token page"]);
    expect(environment.backend.calls.every(({ headers }) => headers.get("x-page") === "1")).toBe(true);
  });

  test("asks for a new login when one was refused", async () => {
    const environment = new TestEnvironment();
    environment.backend.fault = ({ headers }) =>
      headers.get("authorization") === "Token old" ? problem(401, "not_authenticated") : undefined;
    const page = environment.open({ authorization: (refused) => (refused ? "Token new" : "Token old") });
    expect((await environment.clock.run(page.upload(fileOf(5)).done)).state).toBe("completed");
  });

  test("is aborted by its signal, also by one that was aborted before", async () => {
    const environment = new TestEnvironment();
    const page = environment.open();
    const controller = new AbortController();
    const upload = page.upload(fileOf(500), { signal: controller.signal });
    await environment.arrive(3);
    controller.abort();
    await environment.reach(upload, "aborted");
    expect(environment.backend.only.state).toBe("aborted");
    await environment.reach(page.upload(fileOf(50), { signal: controller.signal }), "aborted");
    expect(environment.backend.rows.size).toBe(1);
  });

  test("repeats a request as often, and as late, as it is told to", async () => {
    const environment = new TestEnvironment();
    environment.clock.chance = 0.99;
    environment.store.fault = (number) => (number === 2 ? { status: 503, code: "Busy" } : undefined);
    const page = environment.open();
    const upload = page.upload(fileOf(50), { retry: { attempts: 3, maxDelay: 1000 } });
    await environment.reach(upload, "failed");
    expect(environment.store.tries(2)).toBe(3);
    environment.backend.fault = () => problem(503, "busy");
    const refused = page.upload(fileOf(60), { retry: { attempts: 12, maxDelay: 1000 } });
    const before = environment.backend.calls.length;
    const begun = environment.clock.now();
    await environment.reach(refused, "failed");
    expect(environment.backend.calls.length - before).toBe(12);
    expect(environment.clock.now() - begun).toBeLessThan(12_000);
  });

  test("takes a request for lost after the time that it is told", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) => (number === 1 && tries === 1 ? "stall" : undefined);
    const upload = environment.open().upload(fileOf(50), { timeouts: { storage: 2000 } });
    await environment.clock.run(upload.done);
    expect(environment.clock.now()).toBeLessThan(10_000);
    expect(environment.store.tries(1)).toBe(2);
  });
});

describe("onBeforeRequest", () => {
  test("sees each request to the backend and to OSS, and may change it", async () => {
    const environment = new TestEnvironment();
    const seen: string[] = [];
    const onBeforeRequest = async (request: OutgoingRequest) => {
      seen.push(`${request.target} ${request.method}`);
      if (request.target === "backend") request.headers["X-Trace"] = "7";
      else request.url = `${request.url}&traced=1`;
    };
    await environment.clock.run(environment.open({ onBeforeRequest }).upload(fileOf(5)).done);
    expect(seen).toEqual(["backend POST", "storage POST", "backend POST"]);
    expect(environment.backend.calls.every(({ headers }) => headers.get("x-trace") === "7")).toBe(true);
  });

  test.each(["backend", "storage"])(
    "fails the upload with what it throws before a request to the %s",
    async (at) => {
      const environment = new TestEnvironment();
      const onBeforeRequest = ({ target }: OutgoingRequest) => {
        if (target === at) throw new Error("The page says no.");
      };
      const upload = environment.open({ onBeforeRequest }).upload(fileOf(50));
      await environment.reach(upload, "failed");
      expect(upload.error?.message).toContain("The page says no.");
      expect(environment.store.sent).toEqual([]);
    },
  );
});

describe("restrictions", () => {
  const files = [
    ["too_large", { maxSize: 4 }, fileOf(5)],
    ["wrong_type", { accept: "image/*, .PDF" }, fileOf(5)],
    ["too_many", { maxFiles: 2 }, fileOf(5)],
  ] as const;

  test.each(files)(
    "a file that is %s fails at once, though others wait",
    async (code, restrictions, file) => {
      const environment = new TestEnvironment();
      const page = environment.open({ restrictions: { ...restrictions, maxFiles: 2 } });
      const pictures = [1, 2].map((salt) => new File([`${salt}23`], `${salt}.png`, { type: "image/png" }));
      const first = pictures.map((picture) => page.upload(picture));
      const refused = page.upload(file);
      await expect(refused.done).rejects.toThrow(FileError);
      expect(refused.error?.code).toMatch(code === "too_many" ? code : /too_many|too_large|wrong_type/);
      await environment.clock.run(Promise.all(first.map(({ done }) => done)));
      expect(environment.backend.rows.size).toBe(2);
    },
  );

  test.each([
    ["image/*", "a.png", "image/png", true],
    ["image/png", "a.jpg", "image/jpeg", false],
    [".pdf, .TXT", "notes.txt", "", true],
    [".pdf", "notes.pdf.exe", "application/pdf", false],
    ["video/*", "imagevideo/", "image/png", false],
  ])("accept=%s for %s (%s): %s", async (accept, name, type, allowed) => {
    const environment = new TestEnvironment();
    const upload = environment.open({ restrictions: { accept } }).upload(new File(["123"], name, { type }));
    await environment.clock.until(() => ["completed", "failed"].includes(upload.state));
    expect(upload.state).toBe(allowed ? "completed" : "failed");
    if (!allowed) expect(upload.error).toMatchObject({ code: "wrong_type", retryable: false });
  });
});
