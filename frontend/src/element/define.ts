// Registers <oss-uploader>, where there is a page. Importing this has an effect; importing the rest of the package has none.

import { OssUploaderElement } from "./element.ts";

declare global {
  interface HTMLElementTagNameMap {
    "oss-uploader": OssUploaderElement;
  }
}

const registry: CustomElementRegistry | undefined = globalThis.customElements;
if (!registry?.get("oss-uploader")) registry?.define("oss-uploader", OssUploaderElement);

export { OssUploaderElement };
