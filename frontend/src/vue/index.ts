/**
 * Vue 3: a composable over the engine, a component over the element, and the element's types in templates.
 *
 * @module oss-uploads/vue
 */

export type { OssUploaderElement, OssUploaderEventMap } from "../element/define.ts";
export type {
  OssUploaderAttributes,
  OssUploaderListeners,
  OssUploaderProperties,
} from "../jsx/attributes.ts";
export {
  Uploader,
  type UploaderEmits,
  type UploaderInstance,
  type UploaderListeners,
  type UploaderProps,
  type UploaderTypes,
} from "./component.ts";
export { type UploaderState, useUploader } from "./composable.ts";
export type { OssUploaderTemplate } from "./template.ts";
