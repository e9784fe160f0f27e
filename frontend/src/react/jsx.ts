// <oss-uploader> in React's JSX. React 19 sets properties and listens to custom events, React 18 sets attributes only.

import type { HTMLAttributes, RefAttributes } from "react";
import type { OssUploaderElement } from "../element/define.ts";
import type {
  OssUploaderAttributes,
  OssUploaderListeners,
  OssUploaderProperties,
} from "../jsx/attributes.ts";

/** React 19 exports `use`. */
export type SinceReact19<Props> = "use" extends keyof typeof import("react") ? Props : unknown;

/** The props of `<oss-uploader>` in JSX. */
export type OssUploaderJsx = Omit<HTMLAttributes<OssUploaderElement>, keyof OssUploaderAttributes> &
  RefAttributes<OssUploaderElement> &
  OssUploaderAttributes &
  SinceReact19<OssUploaderProperties & OssUploaderListeners<"on">>;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "oss-uploader": OssUploaderJsx;
    }
  }
}
