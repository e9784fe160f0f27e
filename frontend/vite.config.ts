// Builds the page's bundle into the Django app's static files.
// `oss-uploads.js` keeps its name, because the template names it; the names of lazily loaded chunks carry a hash.

import { defineConfig } from "vitest/config";

// Vitest shows failures with Map.groupBy, which Node 20 lacks.
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
    // Machines of a CI may be busy; the tests wait for conditions, so that the limit only ends what hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
