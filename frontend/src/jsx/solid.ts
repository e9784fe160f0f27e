// Registers <oss-uploader>, and types it in Solid's JSX: `attr:` for attributes, `prop:` for properties, `on:` for events.

import type { JSX as SolidJsx } from "solid-js";
import type { OssUploaderElement, OssUploaderEventMap } from "../element/define.ts";
import "../element/define.ts";
import type { OssUploaderAttributes, OssUploaderListeners, OssUploaderProperties } from "./attributes.ts";

type Prefixed<Prefix extends string, Names> = {
  [Name in keyof Names as `${Prefix}${Name & string}`]?: Names[Name];
};

declare module "solid-js" {
  namespace JSX {
    interface IntrinsicElements {
      "oss-uploader": Omit<SolidJsx.HTMLAttributes<OssUploaderElement>, keyof OssUploaderAttributes> &
        OssUploaderAttributes &
        Prefixed<"attr:", Omit<OssUploaderAttributes, "single" | "required" | "camera">> &
        Prefixed<"bool:", Pick<OssUploaderAttributes, "single" | "required" | "camera">> &
        Prefixed<"prop:", OssUploaderProperties> &
        OssUploaderListeners<"on:">;
    }
  }
}

export { OssUploaderElement } from "../element/define.ts";
export type { OssUploaderAttributes, OssUploaderListeners, OssUploaderProperties } from "./attributes.ts";
export type { OssUploaderEventMap };
