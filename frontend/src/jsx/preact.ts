// Registers <oss-uploader>, and types it in Preact's JSX. Preact sets properties and listens to custom events itself.

import type { HTMLAttributes } from "preact";
import type { OssUploaderElement } from "../element/define.ts";
import "../element/define.ts";
import type { OssUploaderAttributes, OssUploaderListeners, OssUploaderProperties } from "./attributes.ts";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "oss-uploader": Omit<HTMLAttributes<OssUploaderElement>, keyof OssUploaderAttributes> &
        OssUploaderAttributes &
        OssUploaderProperties &
        OssUploaderListeners<"on">;
    }
  }
}

export type { OssUploaderEventMap } from "../element/define.ts";
export { OssUploaderElement } from "../element/define.ts";
export type { OssUploaderAttributes, OssUploaderListeners, OssUploaderProperties } from "./attributes.ts";
