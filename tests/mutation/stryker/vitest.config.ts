// The tests that say in seconds whether the changed modules work. Each file that is named here is started for each change
// that its tests reach; those of hours on a simulated clock, of pages and of bundles stay out.

import { defineConfig } from "vitest/config";
import base from "../../../frontend/vitest.config.ts";

const TESTS = [
  "acknowledged",
  "checking",
  "integrity",
  "ledger",
  "oss-response",
  "part-checks",
  "presigner",
  "retry",
  "sender",
  "signer",
  "sts-signer",
];

export default defineConfig({
  // A change may spoil what files share.
  test: { ...base.test, isolate: true, include: TESTS.map((name) => `tests/engine/${name}.test.ts`) },
});
