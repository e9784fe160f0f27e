// Breaks of the engine, each of which the simulation must find: what no longer works, where, and the text that changes.

export interface Break {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly before: string;
  readonly after: string;
}

export const BREAKS: readonly Break[] = [
  {
    name: "a resumed upload does not ask OSS for its parts",
    file: "engine/upload.ts",
    before: "    this.#mustInspect = true;\n",
    after: "",
  },
  {
    name: "a pause leaves the requests running",
    file: "engine/upload.ts",
    before: "    this.#abortRequests();\n    this.#checkpoint();",
    after: "    this.#checkpoint();",
  },
  {
    name: "the file is not compared again before it is completed",
    file: "engine/upload.ts",
    before: "      await this.#preparation.assertUnchanged();\n",
    after: "",
  },
  {
    name: "an upload that has ended keeps the lock of its file",
    file: "engine/upload.ts",
    before: '      if (this.#state !== "aborting") this.#preparation.unlock();\n',
    after: "",
  },
  {
    name: "a completed upload stays in the journal",
    file: "engine/upload.ts",
    before: "    this.#preparation.forget(result.id);\n",
    after: "",
  },
  {
    name: "an abort does not reach the backend",
    file: "engine/upload.ts",
    before: "if (id) await this.#retry(() => this.#settings.api.abort(id, NEVER), NEVER);",
    after: "",
  },
  {
    name: "the answer that an upload is completed is ignored",
    file: "engine/upload.ts",
    before: '      if (remote.state === "completed") return remote;\n',
    after: "",
  },
  {
    name: "a paused upload keeps its place in the queue",
    file: "engine/upload.ts",
    before: "      this.#settings.queue.leave(this.#queueEntry);\n",
    after: "",
  },
  {
    name: "damaged parts are not sent again",
    file: "engine/transfer.ts",
    before: "if (damaged.length === 0) return;",
    after: "return;",
  },
  {
    name: "the checksum of the whole file is not reported",
    file: "engine/transfer.ts",
    before: "return { crc64: combine(pieces) };",
    after: "return {};",
  },
  {
    name: "parts that OSS lacks are not sent again",
    file: "engine/transfer.ts",
    before: "this.ledger.reopen(missing) === 0",
    after: "this.ledger.reopen(missing) >= 0",
  },
  {
    name: "an upload that is being completed counts as lost",
    file: "engine/transfer.ts",
    before: '(await api.get(id, signal)).state === "completing"',
    after: "await Promise.resolve(false)",
  },
  {
    name: "the size of a stream is not reported",
    file: "engine/transfer.ts",
    before: "return isStream ? { size: bytesTaken } : {};",
    after: "return {};",
  },
  {
    name: "202 counts as completed",
    file: "engine/transfer.ts",
    before: "if (response.status !== 202) return response.value;",
    after: "return response.value;",
  },
  {
    name: "progress does not count the parts that OSS held",
    file: "engine/transfer.ts",
    before:
      "    this.ledger.load(await this.#heldParts(signal));\n    this.meter.reset(this.ledger.doneBytes);",
    after: "    this.ledger.load(await this.#heldParts(signal));",
  },
  {
    name: "OSS's list of parts is ignored",
    file: "engine/transfer.ts",
    before: "    this.ledger.load(await this.#heldParts(signal));",
    after: "    await this.#heldParts(signal);",
  },
  {
    name: "tabs do not wait for each other",
    file: "engine/preparation.ts",
    before: "return this.#fingerprint ? this.#lockAmongTabs(this.#fingerprint, signal) : null;",
    after: "return null;",
  },
  {
    name: "a lock that came too late is kept",
    file: "engine/preparation.ts",
    before: "    if (signal.aborted) release?.(); // A lock that came too late is released at once.\n",
    after: "",
  },
  {
    name: "an unfinished upload is not looked for",
    file: "engine/preparation.ts",
    before: "await this.#create(key, this.#fingerprint !== null);",
    after: "await this.#create(key, false);",
  },
  {
    name: "each attempt to create has another idempotency key",
    file: "engine/preparation.ts",
    before: "this.#findOrCreate(transferOf, key, signal);",
    after: "this.#findOrCreate(transferOf, crypto.randomUUID(), signal);",
  },
  {
    name: "a file that another tab has completed is uploaded again",
    file: "engine/preparation.ts",
    before: "return (await completed()).find(({ id }) => !before.has(id)) ?? null;",
    after: "return null;",
  },
  {
    name: "the bytes of a lost request stay in the progress",
    file: "engine/sender.ts",
    before: "        meter.drop(number);\n        await",
    after: "        await",
  },
  {
    name: "a request keeps its connection",
    file: "engine/sender.ts",
    before: "    } finally {\n      release();\n    }",
    after: "    } finally {\n    }",
  },
  {
    name: "the probe of the circuit breaker never ends",
    file: "engine/sender.ts",
    before: "        recorded();\n",
    after: "",
  },
  {
    name: "a stalled request is never noticed",
    file: "engine/sender.ts",
    before: "const STALL_TIMEOUT = 30_000;",
    after: "const STALL_TIMEOUT = 30_000_000;",
  },
  {
    name: "a refused URL is final",
    file: "engine/sender.ts",
    before: "return ++attempts.refusals < MAX_REFUSALS;",
    after: "return false;",
  },
  {
    name: "a part that was refused for a moment is final",
    file: "engine/sender.ts",
    before: '      case "retry":\n        return ++attempts.failures < MAX_FAILURES;',
    after: '      case "retry":\n        return false;',
  },
  {
    name: "URLs are used after they have expired",
    file: "engine/signer.ts",
    before: "now + life - margin",
    after: "now + life + 10 * margin",
  },
  {
    name: "the device's date is used for signing",
    file: "engine/sts-signer.ts",
    before: "return time + (this.api.environment.clock.now() - at);",
    after: "return Date.now() + 0 * (time + at);",
  },
  {
    name: "the CRC64 of OSS is not compared",
    file: "engine/integrity.ts",
    before: "!crc64 || ours === crc64",
    after: "!crc64 || ours !== null",
  },
  {
    name: "parts that OSS held are not compared",
    file: "engine/integrity.ts",
    before: "const left = held.filter(({ crc64 }) => crc64);",
    after: "const left = held.filter(() => false);",
  },
  {
    name: "a stream frees the bytes of a damaged part",
    file: "engine/integrity.ts",
    before: "isSame && this.source.release(",
    after: "this.source.release(",
  },
  {
    name: "the last part is taken for a whole one",
    file: "engine/parts.ts",
    before: "return { start, end: Math.min(plan.size, start + plan.partSize) };",
    after: "return { start, end: start + plan.partSize };",
  },
  {
    name: "parts overlap",
    file: "engine/parts.ts",
    before: "const start = (number - 1) * plan.partSize;",
    after: "const start = Math.max(0, (number - 1) * plan.partSize - 1);",
  },
  {
    name: "the bytes of a stream are not counted",
    file: "engine/stream.ts",
    before: "    this.#bytesTaken += part.size;\n",
    after: "",
  },
  {
    name: "a stream does not send again what OSS lacks",
    file: "engine/stream.ts",
    before: "(number) => !done.has(number),",
    after: "() => false,",
  },
  {
    name: "more requests than connections",
    file: "engine/concurrency.ts",
    before: "if (this.#taken < this.count) this.#taken += 1;",
    after: "if (this.#taken < this.count + 2) this.#taken += 1;",
  },
  {
    name: "a file that has ended keeps its place",
    file: "engine/concurrency.ts",
    before: "if (this.#active.delete(entry)) this.#taken -= entry.share;",
    after: "this.#active.delete(entry);",
  },
  {
    name: "a batch gives all callers the first result",
    file: "engine/batch.ts",
    before: "const result = results[index];",
    after: "const result = results[0 * index];",
  },
  {
    name: "a failed batch leaves its callers waiting",
    file: "engine/batch.ts",
    before: "      for (const { reject } of batch) reject(error);",
    after: "      void error;",
  },
  {
    name: "a call to the backend never times out",
    file: "engine/http.ts",
    before: "const TIMEOUT = 60_000;",
    after: "const TIMEOUT = 60_000_000;",
  },
  {
    name: "a lost call is not retried",
    file: "engine/http.ts",
    before: 'throw new NetworkError("server_unreachable", { cause: error });',
    after: "throw error;",
  },
  {
    name: "a broken answer is final",
    file: "engine/http.ts",
    before: 'throw new NetworkError("answer_broken", { cause: error });',
    after: "throw error;",
  },
  {
    name: "calls do not wait for the network",
    file: "engine/retry.ts",
    before: "        await connection.whenOnline(signal);\n        attempts = 0;\n",
    after: "",
  },
  {
    name: "CORS is blamed after OSS has answered",
    file: "engine/circuit-breaker.ts",
    before: "    this.#responded = true;\n",
    after: "",
  },
  {
    name: "a finished part counts twice",
    file: "engine/progress.ts",
    before: "    this.#finished += size;",
    after: "    this.#finished += 2 * size;",
  },
  {
    name: "another file is taken for the one of the upload",
    file: "engine/uploader.ts",
    before: "if (!(await isFileOf(unfinished, source))) throw",
    after: "if (!unfinished) throw",
  },
  {
    name: "the checksums of parts are combined in the wrong order",
    file: "hashing/crc64.ts",
    before: "multiply(shift, whole) ^ BigInt(crc64)",
    after: "multiply(shift, BigInt(crc64)) ^ whole",
  },
];
