// CRC-64/XZ by the WebAssembly module of crc64.wat.

import { CRC64_WASM } from "./crc64-wasm.ts";

interface Exports extends WebAssembly.Exports {
  readonly memory: WebAssembly.Memory;
  begin(): number;
  fold(end: number): number;
  finish(end: number): bigint;
}

/** Rejects where WebAssembly is missing, is forbidden by a content security policy, or has no SIMD. */
export async function compileKernel(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(Uint8Array.from(atob(CRC64_WASM), (character) => character.charCodeAt(0)));
}

export class KernelCrc64 {
  readonly #kernel: Exports;
  readonly #memory: Uint8Array;
  /** Where the next byte of the message belongs. */
  #end = 0;

  constructor(module: WebAssembly.Module) {
    this.#kernel = new WebAssembly.Instance(module).exports as Exports;
    this.#memory = new Uint8Array(this.#kernel.memory.buffer);
    this.reset();
  }

  reset(): void {
    this.#end = this.#kernel.begin();
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#memory.length - this.#end);
      this.#memory.set(piece, this.#end);
      at += piece.length;
      this.#end += piece.length;
      if (this.#end === this.#memory.length) this.#end = this.#kernel.fold(this.#end);
    }
  }

  /** The checksum as an unsigned decimal. After this only `reset` may be called. */
  digest(): string {
    return BigInt.asUintN(64, this.#kernel.finish(this.#end)).toString();
  }
}
