// MD5, loaded by those alone who ask for it.

export { createMD5 } from "hash-wasm";
