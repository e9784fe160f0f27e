// Builds the page's module into the Django app's static files.
// Its one rule: `oss-uploads.js` keeps its name, because the template names it; what it loads lazily carries a hash.

import { defineConfig } from "vitest/config";

// Vitest groups failures with what Node 20 does not have yet; without this it dies instead of showing them.
if (!("groupBy" in Map)) Object.assign(Map, { groupBy });

function groupBy<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: "../uploads/static/uploads",
    emptyOutDir: true,
    sourcemap: true,
    modulePreload: false,
    rolldownOptions: {
      input: "src/page.ts",
      preserveEntrySignatures: "strict",
      output: {
        entryFileNames: "oss-uploads.js",
        chunkFileNames: "oss-uploads-[name]-[hash].js",
      },
    },
  },
  worker: { format: "es" },
  test: {
    include: ["tests/**/*.test.ts"],
  },
});
