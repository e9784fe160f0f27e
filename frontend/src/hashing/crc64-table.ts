// CRC-64/XZ by tables in plain JavaScript ("slicing by 8"), for where the WebAssembly kernel cannot run.

/** As in crc64.ts. The page would load a constant that the two share as a file of its own. */
const POLYNOMIAL = 0xc96c5795d7870f42n;

const SLICES = 8;

/** What a byte becomes when 0 to 7 bytes follow it: 256 entries for each, in two halves of 32 bits. */
interface Tables {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

let filled: Tables | null = null;

function fillTables(): Tables {
  const low = new Int32Array(SLICES * 256);
  const high = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let slice = 0; slice < SLICES; slice++) {
      for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
      low[slice * 256 + byte] = Number(BigInt.asIntN(32, value));
      high[slice * 256 + byte] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }
  return { low, high };
}

export class TableCrc64 {
  readonly #tables: Tables;
  #low = -1;
  #high = -1;

  constructor() {
    filled ??= fillTables();
    this.#tables = filled;
  }

  reset(): void {
    [this.#low, this.#high] = [-1, -1];
  }

  update(bytes: Uint8Array): void {
    const whole = bytes.length - (bytes.length % SLICES);
    this.#updateBy8(bytes.subarray(0, whole));
    this.#updateBy1(bytes.subarray(whole));
  }

  /** The checksum as an unsigned decimal. */
  digest(): string {
    return ((BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0)).toString();
  }

  #updateBy8(bytes: Uint8Array): void {
    const tables = this.#tables;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let [low, high] = [this.#low, this.#high];
    for (let at = 0; at < bytes.length; at += SLICES) {
      const first = low ^ view.getInt32(at, true);
      const second = high ^ view.getInt32(at + 4, true);
      low = sumOf(tables.low, first, second);
      high = sumOf(tables.high, first, second);
    }
    [this.#low, this.#high] = [low, high];
  }

  #updateBy1(bytes: Uint8Array): void {
    const tables = this.#tables;
    for (const byte of bytes) {
      const index = (this.#low ^ byte) & 0xff;
      this.#low = ((this.#low >>> 8) | (this.#high << 24)) ^ (tables.low[index] as number);
      this.#high = (this.#high >>> 8) ^ (tables.high[index] as number);
    }
  }
}

/** The entries of 8 bytes, added. The first byte is the one that 7 bytes follow. */
function sumOf(table: Int32Array, first: number, second: number): number {
  return (
    (table[1792 + (first & 0xff)] as number) ^
    (table[1536 + ((first >>> 8) & 0xff)] as number) ^
    (table[1280 + ((first >>> 16) & 0xff)] as number) ^
    (table[1024 + (first >>> 24)] as number) ^
    (table[768 + (second & 0xff)] as number) ^
    (table[512 + ((second >>> 8) & 0xff)] as number) ^
    (table[256 + ((second >>> 16) & 0xff)] as number) ^
    (table[second >>> 24] as number)
  );
}
