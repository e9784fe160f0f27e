// A file that changes while it is uploaded: no object mixes its versions.

import { describe, expect, test } from "vitest";
import type { UploaderOptions } from "../../src/engine/options.ts";
import type { Upload } from "../../src/engine/upload.ts";
import { problem } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";
import { crc64Of } from "../store.ts";

const FILM = "film.mp4";

/** What is on the disk. A file that was chosen before is read from it as Firefox does: without noticing a change. */
class Disk {
  content = fileOf(600);
  readable = true;
  modified = 1;

  /** Changes a few bytes in place. */
  async change(at: number): Promise<void> {
    const text = await this.content.text();
    this.content = new File([`${text.slice(0, at)}####${text.slice(at + 4)}`], FILM);
  }

  file(): File {
    const file = new File([this.content], FILM, { type: "video/mp4", lastModified: this.modified });
    const gone = () => Promise.reject(new DOMException("gone", "NotReadableError"));
    file.slice = (...range) => {
      const blob = this.content.slice(...range);
      if (!this.readable) blob.arrayBuffer = gone;
      return blob;
    };
    return file;
  }

  get handle(): FileSystemFileHandle {
    return { getFile: async () => this.file() } as FileSystemFileHandle;
  }
}

/**
 * An upload of 60 parts, of which ten have arrived, while the file is still being read ahead: hashing is slow. The
 * fingerprint's samples see nothing of parts 5 to 7.
 */
async function begin(options: UploaderOptions = {}, handle = false, hashing = 300) {
  const environment = new TestEnvironment();
  const disk = new Disk();
  // Of so large a file the fingerprint takes samples, of 64 KiB each.
  disk.content = fileOf(1_200_000);
  environment.backend.partSize = 20_000;
  environment.store.speed = 20_000;
  const hash = environment.hasher.hash.bind(environment.hasher);
  environment.hasher.hash = async (algorithm, blob) => {
    const read = await hash(algorithm, blob);
    await environment.clock.sleep(algorithm === "crc64" ? hashing : 0, new AbortController().signal);
    return read;
  };
  const upload = environment.open(options).upload(disk.file(), { ...(handle && { handle: disk.handle }) });
  await environment.arrive(10);
  return { environment, disk, upload };
}

async function expectObject({ backend }: TestEnvironment, upload: Upload, file: File): Promise<void> {
  const row = backend.rows.get(upload.id as string);
  expect(row && (await backend.object(row))).toBe(await file.text());
}

describe("in a browser that does not notice it", () => {
  test.each(["crc64", "md5"] as const)(
    "bytes that change behind the upload are found with %s",
    async (integrity) => {
      const { environment, disk, upload } = await begin({ integrity });
      await disk.change(100_000); // In part 6, which has arrived.
      await environment.reach(upload, "failed");
      expect(upload.error).toMatchObject({
        name: "FileError",
        code: "file_changed",
        sentence: "file_changed",
      });
      upload.resume();
      await environment.clock.run(upload.done);
      await expectObject(environment, upload, disk.content);
      expect([...environment.backend.rows.values()].map(({ state }) => state)).toEqual([
        "aborted",
        "completed",
      ]);
    },
  );

  test("the upload of the first version is aborted, also when the backend is busy at that moment", async () => {
    const { environment, disk, upload } = await begin();
    await disk.change(100_000);
    await environment.reach(upload, "failed");
    let asked = 0;
    environment.backend.fault = ({ method }) =>
      method === "DELETE" && ++asked < 3 ? problem(503, "storage_busy") : undefined;
    upload.resume();
    await environment.clock.run(upload.done);
    expect(environment.backend.rows.get("u1")?.state).toBe("aborted");
    expect(asked).toBe(3);
  });

  test("the upload of the first version is aborted after a login", async () => {
    const { environment, disk, upload } = await begin();
    await disk.change(100_000);
    await environment.reach(upload, "failed");
    environment.backend.fault = ({ method }) =>
      method === "DELETE" ? problem(403, "not_authenticated") : undefined;
    upload.resume();
    await environment.reach(upload, "failed");
    expect(upload.error?.name).toBe("LoginError");
    environment.backend.fault = () => undefined;
    upload.resume();
    await environment.clock.run(upload.done);
    expect([...environment.backend.rows.values()].map(({ state }) => state)).toEqual([
      "aborted",
      "completed",
    ]);
  });

  test("bytes that change between the request with their MD5 and the first read are found", async () => {
    const { environment, disk, upload } = await begin({ integrity: "md5" }, false, 5000);
    await disk.change(190_000); // In part 10, which has arrived, and which is not hashed yet.
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ code: "file_changed" });
  });

  test("bytes that change before they are read are no change", async () => {
    const { environment, disk, upload } = await begin();
    await disk.change(1_100_000); // In part 56, which is neither hashed nor sent yet.
    await environment.clock.run(upload.done);
    await expectObject(environment, upload, disk.content);
  });

  test("bytes that change after they were read twice leave the version before", async () => {
    const { environment, disk, upload } = await begin();
    const before = disk.content;
    await environment.arrive(59);
    await disk.change(100_000);
    await environment.clock.run(upload.done);
    await expectObject(environment, upload, before);
  });

  test("each part is read once more, and those that are sent late are not", async () => {
    const { environment, upload } = await begin();
    await environment.clock.run(upload.done);
    const { asked } = environment.hasher;
    expect(asked.length).toBeGreaterThan(60);
    expect(asked.length).toBeLessThan(120);
  });

  test("an abort while the file is opened again leaves nothing", async () => {
    const { environment, disk, upload } = await begin();
    await disk.change(100_000);
    await environment.reach(upload, "failed");
    upload.resume();
    await environment.clock.run(upload.abort());
    expect([...environment.backend.rows.values()].filter(({ state }) => state !== "aborted")).toEqual([]);
  });
});

test("where the browser notices changes, each part is read once", async () => {
  const environment = new TestEnvironment();
  Object.assign(environment, { noticesChanges: () => true });
  await environment.clock.run(environment.open({ partSize: 10 }).upload(fileOf(600)).done);
  expect(environment.hasher.asked).toHaveLength(60);
});

test("a handle shows a change that neither samples nor the file's own date show", async () => {
  const { environment, disk, upload } = await begin({ integrity: "none" }, true);
  await disk.change(100_000);
  disk.modified = 2;
  await environment.reach(upload, "failed");
  expect(upload.error).toMatchObject({ code: "file_changed" });
  upload.resume();
  await environment.clock.run(upload.done);
  await expectObject(environment, upload, disk.content);
  expect(upload.file).toMatchObject({ lastModified: 2 });
});

test("a file that cannot be read for a while keeps its upload", async () => {
  const { environment, disk, upload } = await begin();
  disk.readable = false;
  environment.store.fault = () => "no_response";
  await environment.reach(upload, "failed");
  expect(upload.error).toMatchObject({ code: "file_changed", sentence: "file_unreadable" });
  upload.resume(); // The disk is still not connected.
  await environment.reach(upload, "failed");
  disk.readable = true;
  environment.store.fault = () => undefined;
  upload.resume();
  await environment.clock.run(upload.done);
  await expectObject(environment, upload, disk.content);
  expect(environment.backend.only.state).toBe("completed");
  expect(environment.store.tries(1)).toBe(1);
});

describe("without checksums", () => {
  test("a file of another date is another upload", async () => {
    const { environment, disk, upload } = await begin({ integrity: "none" });
    upload.pause();
    disk.modified = 2;
    const again = environment.open({ integrity: "none" }).upload(disk.file());
    await environment.clock.run(again.done);
    expect(again.id).toBe("u2");
  });

  test("resume() refuses a file of another date", async () => {
    const { environment, disk, upload } = await begin({ integrity: "none" });
    upload.pause();
    disk.modified = 2;
    const uploader = environment.open({ integrity: "none" });
    const [entry] = await environment.clock.run(uploader.unfinished());
    const resumed = uploader.resume(entry as NonNullable<typeof entry>, disk.file());
    await expect(resumed).rejects.toMatchObject({ code: "other_file" });
    disk.modified = 1;
    const same = await uploader.resume(entry as NonNullable<typeof entry>, disk.file());
    await environment.clock.run(same.done);
    expect(same.id).toBe(upload.id);
  });
});

test("a file that changes once OSS puts its parts together is uploaded once, as it was", async () => {
  const environment = new TestEnvironment();
  const disk = new Disk();
  disk.content = fileOf(1_200_000);
  environment.backend.partSize = 400_000;
  environment.store.speed = 10_000_000;
  const before = disk.file();
  environment.backend.fault = ({ path }) => {
    if (!path.endsWith("/complete/")) return undefined;
    environment.backend.only.state = "completing";
    return problem(401, "not_authenticated");
  };
  const upload = environment.open().upload(before);
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "not_authenticated" });
  const bytes = await before.text();
  await disk.change(2);
  environment.backend.fault = () => undefined;
  upload.resume();
  await environment.clock.run(upload.done);
  expect(await environment.backend.object(environment.backend.only)).toBe(bytes);
});

describe("a file in one request", () => {
  /** Of the calls that ask for URLs, in order. */
  const told = ({ backend }: TestEnvironment) =>
    backend.calls.flatMap(({ method, path, body }) =>
      method === "POST" && (path === "uploads/" || path.endsWith("sign/")) ? [body.crc64] : [],
    );

  test("its checksum is told before it is sent", async () => {
    const environment = new TestEnvironment();
    environment.backend.partSize = 100;
    const file = fileOf(50);
    await environment.clock.run(environment.open().upload(file).done);
    expect(told(environment)).toEqual([await crc64Of(file)]);
    expect(environment.hasher.asked).toEqual(["crc64"]);
  });

  test("so is that of one which the page did not expect to be one request", async () => {
    const environment = new TestEnvironment();
    environment.backend.partSize = 100;
    const file = fileOf(50);
    await environment.clock.run(environment.open({ partSize: 10 }).upload(file).done);
    expect(told(environment)).toEqual([undefined, await crc64Of(file)]);
    expect(environment.hasher.asked).toEqual(["crc64"]);
  });

  test("after a reload it is told again", async () => {
    const environment = new TestEnvironment();
    environment.backend.partSize = 100;
    environment.store.speed = 1;
    const file = fileOf(50);
    const first = environment.open().upload(file);
    await environment.clock.until(() => environment.store.sent.length > 0);
    environment.lose(first);
    environment.store.speed = 1000;
    await environment.clock.run(environment.open().upload(file).done);
    expect(environment.backend.only.state).toBe("completed");
    expect(environment.backend.count("POST", "sign/")).toBeGreaterThan(0);
    expect(new Set(told(environment))).toEqual(new Set([await crc64Of(file)]));
  });

  test("it is that of what the file is after a pause", async () => {
    const environment = new TestEnvironment();
    environment.backend.partSize = 1_000_000;
    const disk = new Disk();
    const reached = environment.backend.fault;
    environment.backend.fault = (call) =>
      call.path === "uploads/batch/" ? problem(503, "storage_busy") : reached(call);
    const upload = environment.open({ small: 1000 }).upload(disk.file());
    await environment.clock.until(() => environment.backend.count("POST", "batch/") > 1);
    upload.pause();
    await environment.clock.pass(1000);
    await disk.change(300);
    environment.backend.fault = reached;
    upload.resume();
    await environment.clock.run(upload.done);
    await expectObject(environment, upload, disk.content);
  });

  test("an upload that a callback has failed begins anew with Retry", async () => {
    const environment = new TestEnvironment();
    environment.backend.partSize = 100;
    const upload = environment.open().upload(fileOf(50));
    await environment.clock.until(() => environment.store.sent.length > 0);
    const error = { code: "object_mismatch", title: "The object is another one", detail: "" };
    Object.assign(environment.backend.only, { state: "failed", error });
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject(error);
    upload.resume();
    expect((await environment.clock.run(upload.done)).state).toBe("completed");
    expect(environment.backend.rows.size).toBe(2);
  });

  test.each(["md5", "none"] as const)("with %s the backend is told nothing", async (integrity) => {
    const environment = new TestEnvironment();
    environment.backend.partSize = 100;
    await environment.clock.run(environment.open({ integrity }).upload(fileOf(50)).done);
    expect(told(environment).filter(Boolean)).toEqual([]);
  });
});
