// Streams a blob through one small buffer. No blob is ever held.

/** Bytes read at once, into the same buffer each time: new buffers cost half as much time as the hash itself. */
const CHUNK = 256 << 10;

/** Readers in use. Chromium may collect a BYOB reader that only its pending read refers to; the read never ends then. */
const readers = new Set<object>();

/** Calls `take` with each chunk, before the next is read. Rejects when the file has changed or cannot be read. */
export async function readBlob(blob: Blob, take: (bytes: Uint8Array) => void): Promise<void> {
  const { next, reader } = openReader(blob);
  readers.add(reader);
  try {
    for (let left = blob.size; left > 0; ) {
      const { done, value } = await next();
      if (done) throw new Error(`The file ended ${left} bytes early.`);
      take(value);
      left -= value.length;
    }
  } finally {
    readers.delete(reader);
    reader.cancel().catch(() => {}); // All bytes have been read, or reading has failed.
  }
}

/** Uses a BYOB reader where the browser has one for blobs. */
function openReader(blob: Blob) {
  const stream = blob.stream();
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    const plain = stream.getReader();
    return { reader: plain, next: () => plain.read() };
  }
  let buffer = new ArrayBuffer(CHUNK);
  const next = async () => {
    const result = await reader.read(new Uint8Array(buffer));
    if (result.value) buffer = result.value.buffer;
    return result;
  };
  return { reader, next };
}
