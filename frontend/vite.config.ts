// Builds the page's bundle into the Django app's static files.
// `oss-uploads.js` keeps its name, because the template names it; the names of lazily loaded chunks carry a hash.

import { defineConfig } from "vite";

const SHARED = new RegExp(
  "/src/element/(by-folder|dates|folder-reader|joined|late-labels|reading-note|undo)\\.ts$|" +
    "/src/engine/(errors|ledger|parts|progress|resuming|stream-broken)\\.ts$|" +
    "/src/hashing/read-blob\\.ts$",
);
/**
 * No late chunk imports another one, which could fail: in Firefox it stays failed for each chunk that imports it, whatever
 * `importLate` does. What several late chunks use is loaded with the page, or is in one chunk with them.
 */
const groups = [
  { name: "shared", test: SHARED },
  { name: "hash-wasm", test: /\/src\/hashing\/(md5-of-blob|sha256)\.ts$|\/hash-wasm\// },
];

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
        codeSplitting: { groups },
      },
    },
  },
  worker: { format: "es" },
});
