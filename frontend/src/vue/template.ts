// <oss-uploader> in Vue's templates and in JSX.

import type { HTMLAttributes } from "vue";
import type {
  OssUploaderAttributes,
  OssUploaderListeners,
  OssUploaderProperties,
} from "../jsx/attributes.ts";

/** The props of `<oss-uploader>` in templates. */
export type OssUploaderTemplate = Omit<HTMLAttributes, keyof OssUploaderAttributes> &
  OssUploaderAttributes &
  OssUploaderProperties &
  OssUploaderListeners<"on">;

declare module "vue" {
  interface GlobalComponents {
    "oss-uploader": new () => { $props: OssUploaderTemplate };
  }
  interface IntrinsicElementAttributes {
    "oss-uploader": OssUploaderTemplate;
  }
}
