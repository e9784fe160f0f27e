// SHA-256 for pages without a secure origin, where the browser has no crypto.subtle.

export { sha256 } from "hash-wasm";
