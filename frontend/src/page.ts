// The entry of the page's bundle: registers <oss-uploader> and sets window.ossUploads for scripts without a bundler.

import "./element/define.ts";
import { aliOssOptions } from "./adapters/ali-oss.ts";
import { uppyOptions } from "./adapters/uppy.ts";
import * as engine from "./index.ts";

const ossUploads = { ...engine, aliOssOptions, uppyOptions };

declare global {
  interface Window {
    ossUploads: typeof ossUploads;
  }
}

window.ossUploads = ossUploads;

export { aliOssOptions } from "./adapters/ali-oss.ts";
export { uppyOptions } from "./adapters/uppy.ts";
export * from "./index.ts";
