// Builds the page's module into the Django app's static files.
// Its one rule: `oss-uploads.js` keeps its name, because the template names it; what it loads lazily carries a hash.

import { defineConfig } from "vitest/config";

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
  test: {
    include: ["tests/**/*.test.ts"],
  },
});
