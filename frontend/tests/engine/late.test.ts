// Code that is loaded late, in a browser such as Firefox, which fails each later import() of a URL that has failed once.

import { expect, test } from "vitest";
import { importLate } from "../../src/engine/late.ts";

interface Chunk {
  readonly value: string;
}

let chunks = 0;

/** A chunk at a URL of its own: Firefox fails it, and gives another URL what `answer` says. */
function firefox(answer: (url: string) => Promise<object>, base = "https://example.com/chunk") {
  const url = `${base}-${++chunks}.js`;
  const asked: string[] = [];
  const failed = new TypeError(`error loading dynamically imported module: ${url}`);
  const load = (): Promise<Chunk> => Promise.reject(failed);
  const other = (url: string) => {
    asked.push(url);
    return answer(url);
  };
  return { url, asked, failed, load: () => importLate(load, "value", other) };
}

test("a chunk that is loaded at once is asked for at no other URL", async () => {
  const never = () => Promise.reject(new Error("asked"));
  expect(await importLate(async () => ({ value: "loaded" }), "value", never)).toBe("loaded");
});

test("a chunk that failed is loaded from its URL with a query, and always from the same one", async () => {
  const { url, asked, load } = firefox(async () => ({ value: "loaded" }));
  expect([await load(), await load()]).toEqual(["loaded", "loaded"]);
  expect(new Set(asked)).toEqual(new Set([`${url}?0`]));
});

test("a URL with a query keeps it", async () => {
  const { url, asked, load } = firefox(async () => ({ value: "loaded" }), "https://example.com/?v=1&chunk");
  await load();
  expect(asked).toEqual([`${url}&0`]);
});

test("each call tries one other URL, until one is loaded", async () => {
  const away = new TypeError("away");
  const { url, asked, load } = firefox((url) =>
    url.endsWith("?2") ? Promise.resolve({ value: "loaded" }) : Promise.reject(away),
  );
  await expect(load()).rejects.toBe(away);
  expect(asked).toEqual([`${url}?0`]);
  await expect(load()).rejects.toBe(away);
  expect(await load()).toBe("loaded");
  expect(asked).toEqual([0, 1, 2].map((count) => `${url}?${count}`));
});

test("a module that its bundler has put beside others is found", async () => {
  const { load } = firefox(async () => ({ a: "text", b: null, t: { value: "loaded" } }));
  expect(await load()).toBe("loaded");
});

test("where the URL is no module with this export, the first error stays", async () => {
  const { load, failed } = firefox(async () => ({ other: "script" }));
  await expect(load()).rejects.toBe(failed);
});

test.each([
  "Failed to fetch dynamically imported module: https://example.com/chunk.js",
  "Importing a module script failed.",
  "Loading chunk 7 failed.\n(error: https://example.com/7.js)",
  "error loading dynamically imported module: data:text/javascript,alert()",
  "Refused: error loading dynamically imported module: https://example.com/chunk.js",
])("%s: nothing else is asked for", async (message) => {
  const error = new TypeError(message);
  const never = () => Promise.reject(new Error("asked"));
  const load = (): Promise<Chunk> => Promise.reject(error);
  await expect(importLate(load, "value", never)).rejects.toBe(error);
});

test.each([undefined, "text"])("an error that is %s is passed on", async (error) => {
  await expect(importLate((): Promise<Chunk> => Promise.reject(error), "value")).rejects.toBe(error);
});
