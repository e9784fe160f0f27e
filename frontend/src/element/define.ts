// Registers <oss-uploader>. This is the only module of the package whose import has an effect; without a page it has none.

import { OssUploaderElement, type OssUploaderEventMap } from "./element.ts";

declare global {
  interface HTMLElementTagNameMap {
    "oss-uploader": OssUploaderElement;
  }
  // Of elements, document and window: the events bubble.
  interface GlobalEventHandlersEventMap extends OssUploaderEventMap {}
}

const registry: CustomElementRegistry | undefined = globalThis.customElements;
// Before Chrome 73, Firefox 101 and Safari 16.4 the page shows what it has written inside the element.
const supported = registry && "adoptedStyleSheets" in document;
if (supported && !registry.get("oss-uploader")) registry.define("oss-uploader", OssUploaderElement);

export type { OssUploaderEventMap, Translation } from "./element.ts";
export { OssUploaderElement };
