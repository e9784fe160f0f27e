// Reads a blob through, a little at a time.
// Its one rule: bytes are streamed and never held: each piece is taken before the next is read.

/** Bytes read at once, into the same memory each time: fresh memory costs half as much as the hash itself. */
const PIECE = 256 << 10;

/** Readers at work. Chromium collects one of bytes that nothing but its own pending read knows, and is silent then. */
const reading = new Set<object>();

/** Rejects when the blob cannot be read: the file has changed or is gone. */
export async function read(blob: Blob, take: (bytes: Uint8Array) => void): Promise<void> {
  const { next, reader } = open(blob);
  reading.add(reader);
  try {
    for (let left = blob.size; left > 0; ) {
      const { done, value } = await next();
      if (done) throw new Error(`The file ended ${left} bytes early.`);
      take(value);
      left -= value.length;
    }
  } finally {
    reading.delete(reader);
    reader.cancel().catch(() => {}); // what matters has been read, or has failed
  }
}

/** Where a blob cannot be read into given memory, it is read into fresh. */
function open(blob: Blob) {
  const stream = blob.stream();
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    const plain = stream.getReader();
    return { reader: plain, next: () => plain.read() };
  }
  let memory = new ArrayBuffer(PIECE);
  const next = async () => {
    const result = await reader.read(new Uint8Array(memory));
    if (result.value) memory = result.value.buffer;
    return result;
  };
  return { reader, next };
}
