// What the fake backend and the simulation's model do with an interrupted stream that is kept.

/** Drops the parts after the first gap, or beyond `most` bytes. Returns the bytes before it, or -1 if there is no part. */
export function keepBeginning(
  parts: Map<number, { size?: number; length?: number }> | undefined,
  most = Number.POSITIVE_INFINITY,
): number {
  if (!parts?.has(1)) return -1;
  let [count, size] = [0, 0];
  for (let part = parts.get(1); part; part = parts.get(count + 1)) {
    const more = part.size ?? part.length ?? 0;
    if (size + more > most) break;
    count += 1;
    size += more;
  }
  for (const number of [...parts.keys()]) if (number > count) parts.delete(number);
  return size;
}
