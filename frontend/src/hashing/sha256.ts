// SHA-256 for pages without a secure origin, whose browser has none for them; loaded by those alone.

export { sha256 } from "hash-wasm";
