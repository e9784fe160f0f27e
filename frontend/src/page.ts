// What the built page loads: defines <oss-uploader> and offers the engine to scripts without a bundler.

import "./define.ts";
import * as ossUploads from "./index.ts";

declare global {
  interface Window {
    ossUploads: typeof ossUploads;
  }
}

window.ossUploads = ossUploads;

export * from "./index.ts";
