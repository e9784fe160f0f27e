// Registers <oss-uploader>, and types it in Svelte's templates. Svelte 5 sets properties where the element has them.

import type { HTMLAttributes as SvelteAttributes } from "svelte/elements";
import type { OssUploaderElement, OssUploaderEventMap } from "../element/define.ts";
import "../element/define.ts";
import type { OssUploaderAttributes, OssUploaderListeners, OssUploaderProperties } from "./attributes.ts";

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "oss-uploader": Omit<SvelteAttributes<OssUploaderElement>, keyof OssUploaderAttributes> &
      OssUploaderAttributes &
      OssUploaderProperties &
      OssUploaderListeners<"on"> &
      OssUploaderListeners<"on:">;
  }
}

export { OssUploaderElement } from "../element/define.ts";
export type { OssUploaderAttributes, OssUploaderListeners, OssUploaderProperties } from "./attributes.ts";
export type { OssUploaderEventMap };
