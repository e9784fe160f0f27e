// CRC-64/XZ, the checksum of OSS's header x-oss-hash-crc64ecma, and the combination of the checksums of pieces.
// Values are unsigned decimals in strings, because JavaScript's numbers cannot hold 64 bits. Pure.

/** The polynomial, reflected. */
const POLYNOMIAL = 0xc96c5795d7870f42n;
const HIGHEST = 1n << 63n;

/** The product of two polynomials modulo POLYNOMIAL; bits are reflected, x⁰ is the highest bit. */
function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = HIGHEST; bit; bit >>= 1n) {
    if (a & bit) product ^= b;
    b = b & 1n ? (b >> 1n) ^ POLYNOMIAL : b >> 1n;
  }
  return product;
}

/** x to the power of 8, 16, 32 …: the factors by which 1, 2, 4 … bytes shift the checksum before them. */
const POWERS: bigint[] = [HIGHEST >> 8n];

function shiftOf(bytes: number): bigint {
  let shift = HIGHEST;
  for (let left = bytes, index = 0; left > 0; left = Math.floor(left / 2), index++) {
    if (index === POWERS.length) {
      const last = POWERS[index - 1] as bigint;
      POWERS.push(multiply(last, last));
    }
    if (left % 2 === 1) shift = multiply(shift, POWERS[index] as bigint);
  }
  return shift;
}

export interface Piece {
  readonly crc64: string;
  readonly size: number;
}

/** The checksum of all pieces in order. The factor of each size is computed once. */
export function combine(pieces: Iterable<Piece>): string {
  const shifts = new Map<number, bigint>();
  let whole = 0n;
  for (const { crc64, size } of pieces) {
    const shift = shifts.get(size) ?? shiftOf(size);
    shifts.set(size, shift);
    whole = multiply(shift, whole) ^ BigInt(crc64);
  }
  return whole.toString();
}
