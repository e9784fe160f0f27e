// What the page's bundle loads late, as `vite.config.ts` builds it.

import { build, type Rolldown } from "vite";
import { beforeAll, expect, test } from "vitest";

/** By the name of the file below src/, as TypeScript has it. */
const sources = new Map<string, string>();
let chunks: Rolldown.OutputChunk[] = [];

beforeAll(async () => {
  const read = {
    name: "sources",
    enforce: "pre" as const,
    transform(code: string, id: string) {
      const [, file] = id.split("/frontend/src/");
      if (file) sources.set(file, code);
    },
  };
  const built = await build({ logLevel: "silent", build: { write: false }, plugins: [read] });
  chunks = (built as Rolldown.RolldownOutput).output.filter((file) => file.type === "chunk");
});

test("no late chunk imports another one, which Firefox would not load again after a failure", () => {
  const atOnce = new Set(chunks.filter(({ isEntry }) => isEntry));
  for (const { imports } of atOnce) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) atOnce.add(chunk);
  }
  const loaded = new Set([...atOnce].map(({ fileName }) => fileName));
  const late = chunks.filter(({ fileName }) => !loaded.has(fileName));
  expect(late.length).toBeGreaterThan(20);
  const needed = late.flatMap(({ name, imports }) => imports.map((other) => ({ name, other })));
  expect(needed.filter(({ other }) => !loaded.has(other))).toEqual([]);
});

test("each module that is loaded late is loaded by importLate", () => {
  expect(sources.has("engine/api.ts")).toBe(true);
  const bare = /(?<!typeof |importLate\(\(\) => |const (?:code|load) = \(\) => )\bimport\("\./;
  expect([...sources].filter(([, code]) => bare.test(code)).map(([file]) => file)).toEqual([]);
});
