/**
 * React 18 and 19: a hook over the engine, a component over the element, and the element's types in JSX.
 *
 * @module oss-uploads/react
 */

export type { OssUploaderElement, OssUploaderEventMap } from "../element/define.ts";
export type {
  OssUploaderAttributes,
  OssUploaderListeners,
  OssUploaderProperties,
} from "../jsx/attributes.ts";
export { Uploader, type UploaderProps } from "./component.ts";
export { type UploaderState, useUploader } from "./hook.ts";
export type { OssUploaderJsx, SinceReact19 } from "./jsx.ts";
