// The order in which waiting uploads start.

import { expect, test } from "vitest";
import type { Upload } from "../../src/engine/upload.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

function sixUploads() {
  const environment = new TestEnvironment();
  const page = environment.open();
  const [a, b, c, d, e, f] = [..."abcdef"].map((name, index) => page.upload(fileOf(100 + index, name)));
  const started: string[] = [];
  page.addEventListener("statechange", ({ upload, state }) => {
    if (state === "preparing") started.push(upload.filename);
  });
  const all = [a, b, c, d, e, f] as [Upload, Upload, Upload, Upload, Upload, Upload];
  const order = () => page.queue.map(({ filename }) => filename).join("");
  return { environment, page, all, order, started };
}

test("waiting uploads start in the order into which they were moved", async () => {
  const { environment, page, all, order, started } = sixUploads();
  const [, , c, d, e, f] = all;
  expect(order()).toBe("cdef");
  const moves: string[] = [];
  page.addEventListener("reordered", ({ upload }) => moves.push(`${upload.filename}: ${order()}`));
  expect(page.move(f, 0)).toBe(true);
  expect(page.move(c, 2)).toBe(true);
  expect(page.move(d, 99)).toBe(true);
  expect(page.move(e, -5)).toBe(true);
  expect(moves).toEqual(["f: fcde", "c: fdce", "d: fced", "e: efcd"]);
  await environment.clock.run(Promise.all(all.map(({ done }) => done)));
  expect(started.join("")).toBe("efcd");
  expect(page.uploads).toEqual(all);
});

test("an upload that does not wait is not moved", async () => {
  const { environment, page, all, order } = sixUploads();
  const [a, , c, d] = all;
  c.pause();
  expect([page.move(a, 0), page.move(c, 0)]).toEqual([false, false]);
  expect(order()).toBe("def");
  c.resume();
  expect(order()).toBe("defc");
  d.done.catch(() => {});
  await environment.clock.run(d.abort());
  expect(page.move(d, 0)).toBe(false);
  expect(order()).toBe("efc");
});

test("a small file that is moved to the front takes the free share of a place", async () => {
  const environment = new TestEnvironment();
  const page = environment.open({ small: 9 });
  for (let index = 0; index < 40; index++) page.upload(fileOf(5, `${index}`));
  const large = [page.upload(fileOf(100, "one")), page.upload(fileOf(101, "two"))];
  const small = page.upload(fileOf(6, "small"));
  expect([large[1]?.state, small.state]).toEqual(["queued", "queued"]);
  page.move(small, 0);
  expect(small.state).toBe("preparing");
});

test("a listener that moves uploads when one starts does not start any twice", async () => {
  const { environment, page, all, started } = sixUploads();
  page.addEventListener("statechange", ({ state }) => {
    const last = page.queue.at(-1);
    if (state === "preparing" && last) page.move(last, 0);
  });
  await environment.clock.run(Promise.all(all.map(({ done }) => done)));
  expect(started.toSorted().join("")).toBe("cdef");
});
