// Builds the page's bundle into the Django app's static files.
// `oss-uploads.js` keeps its name, because the template names it; the names of lazily loaded chunks carry a hash.

import { defineConfig } from "vite";

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
});
