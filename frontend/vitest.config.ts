// Vitest's own configuration. The demo builds the page without Vitest, so `vite.config.ts` must not import it.

import { defineConfig } from "vitest/config";

// Vitest shows failures with Map.groupBy, which Node 20 lacks.
if (!("groupBy" in Map)) Object.assign(Map, { groupBy });

function groupBy<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Machines of a CI may be busy; the tests wait for conditions, so that the limit only ends what hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Vitest leaves one core to itself by default: of two, one would be idle, also while the simulation's processes end.
    maxWorkers: "100%",
    // A process for each of 56 files costs more than most of the files. Tests undo what they change outside of themselves.
    isolate: false,
    // Many parts wait by one signal. Node takes more than ten listeners for a leak, and says so in screenfuls.
    execArgv: ["--disable-warning=MaxListenersExceededWarning"],
  },
});
