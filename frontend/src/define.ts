// Registers <oss-uploader>. Importing this has an effect; importing the package does not.

import { OssUploaderElement } from "./element.ts";

declare global {
  interface HTMLElementTagNameMap {
    "oss-uploader": OssUploaderElement;
  }
}

if (!customElements.get("oss-uploader")) customElements.define("oss-uploader", OssUploaderElement);

export { OssUploaderElement };
