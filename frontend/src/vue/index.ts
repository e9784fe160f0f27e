// Vue 3: a composable over the engine, a component over the element, and the element's types in templates.

export type { OssUploaderElement, OssUploaderEventMap } from "../element/define.ts";
export type {
  OssUploaderAttributes,
  OssUploaderListeners,
  OssUploaderProperties,
} from "../jsx/attributes.ts";
export { Uploader, type UploaderInstance } from "./component.ts";
export { type UploaderState, useUploader } from "./composable.ts";
export type { OssUploaderTemplate } from "./template.ts";
