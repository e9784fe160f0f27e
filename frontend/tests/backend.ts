// The backend in memory behind a fake fetch: plans, signs, records, lists, completes and aborts as the API documents.

import type { RemoteDiagnosis, RemoteUpload } from "../src/engine/api.ts";
import { type DonePart, sizeOf, streamPlan } from "../src/engine/parts.ts";
import type { FakeClock } from "./clock.ts";
import { keepBeginning } from "./kept.ts";
import { emptyRow } from "./row.ts";
import type { FakeStore } from "./store.ts";

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at differs from call to call
  readonly body: any;
  readonly headers: Headers;
}

export function diagnosisOf(
  verdict: RemoteDiagnosis["verdict"],
  code: string,
  retryable = verdict !== "refused" && verdict !== "cors",
): RemoteDiagnosis {
  const texts = { title: `Title of ${code}.`, detail: `Detail of ${code}.`, cure: `Cure of ${code}.` };
  return { verdict, code, ...texts, request_id: "REQ-9", retryable };
}

type Row = { -readonly [K in keyof RemoteUpload]: RemoteUpload[K] };
type PartAsked = { number: number; size?: number; content_md5?: string };
type Reported = Map<number, DonePart>;

export class FakeBackend {
  readonly rows = new Map<string, Row>();
  readonly reported = new Map<string, Reported>();
  readonly calls: Call[] = [];
  partSize = 10;
  /** Whether parts are as the client's line wants them. */
  suitsLine = false;
  /** The origins of the bucket's addresses; none where there is only one. */
  origins: readonly string[] = [];
  /** Milliseconds that a URL is valid. */
  life = 15 * 60_000;
  /** Called before each call; a response from it is used instead, and throwing is a lost connection. */
  fault: (call: Call) => Response | undefined | Promise<Response | undefined> = () => undefined;
  /** What the backend finds at the address of OSS; null: it does not know the call. */
  diagnosis: RemoteDiagnosis | null = diagnosisOf("reachable", "storage_blocked");
  /** Whether a file of this name is too large. */
  refuses = (_name: string) => false;
  /** Bytes that a stream may have. */
  streamLimit: number | null = null;
  signing = 0;
  mostSigning = 0;

  constructor(
    readonly clock: FakeClock,
    readonly store: FakeStore,
    readonly serverTime: () => number,
  ) {}

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const url = new URL(String(input), "https://page.test");
    const call: Call = {
      method: init.method ?? "GET",
      path: url.pathname.replace("/api/", ""),
      query: url.searchParams,
      body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
      headers: new Headers(init.headers),
    };
    this.calls.push(call);
    init.signal?.throwIfAborted();
    await this.clock.sleep(5, init.signal ?? new AbortController().signal);
    const fault = this.fault(call);
    return (fault instanceof Promise ? await fault : fault) ?? this.#route(call);
  };

  count(method: string, ending: string): number {
    return this.calls.filter((call) => call.method === method && call.path.endsWith(ending)).length;
  }

  get only(): Row {
    const [row] = [...this.rows.values()];
    if (!row || this.rows.size > 1) throw new Error(`There are ${this.rows.size} uploads.`);
    return row;
  }

  #route(call: Call): Response | Promise<Response> {
    const [, id = "", rest = ""] = /^uploads\/([^/]*)\/?(.*)$/.exec(call.path) ?? [];
    if (id === "") return call.method === "POST" ? this.#create(call) : this.#list(call);
    if (id === "batch") return rest ? this.#completeMany(call) : this.#createMany(call);
    const row = this.rows.get(id);
    if (!row) return problem(404, "not_found");
    switch (`${call.method} ${rest}`) {
      case "GET ":
        return json(200, row);
      case "DELETE ":
        return this.#abort(row);
      case "POST credentials/":
        return this.#issue(row);
      case "POST diagnose/":
        return this.diagnosis ? json(200, this.diagnosis) : problem(404, "not_found");
      case "POST parts/sign/":
        return this.#sign(row, call);
      case "POST parts/":
        return this.#record(row, call.body.parts);
      case "GET parts/":
        return row.state === "uploading" ? json(200, { parts: this.held(row) }) : problem(409, "wrong_state");
      case "POST complete/":
        return this.#complete(
          row,
          call.body.done,
          call.body.crc64,
          call.body.keep ? keepBeginning(this.store.parts.get(row.key)) : call.body.size,
        );
      default:
        return problem(404, "not_found");
    }
  }

  /** Seconds that temporary credentials are valid; null: the site issues none. */
  credentialsLife: number | null = null;
  issued = 0;

  #issue(row: Row): Response {
    if (this.credentialsLife === null) return problem(409, "not_offered");
    this.issued += 1;
    return json(200, {
      access_key_id: `STS.${this.issued}`,
      access_key_secret: "secret",
      security_token: `token ${this.issued}`,
      expires_at: new Date(this.serverTime() + this.credentialsLife * 1000).toISOString(),
      region: "cn-hangzhou",
      bucket: row.bucket,
      key: row.key,
      upload_id: row.upload_id,
    });
  }

  async #createMany(call: Call): Promise<Response> {
    const answers = call.body.uploads.map((body: unknown) => this.#create({ ...call, body }).json());
    return json(207, { uploads: await Promise.all(answers) });
  }

  async #completeMany(call: Call): Promise<Response> {
    const answers = call.body.uploads.map(({ id, crc64 }: { id: string; crc64?: string }) => {
      const row = this.rows.get(id);
      return (row ? this.#complete(row, [], crc64) : problem(404, "not_found")).json();
    });
    return json(207, { uploads: await Promise.all(answers) });
  }

  readonly #byKey = new Map<string, Row>();

  #create({ body, headers }: Call): Response {
    const key = headers.get("Idempotency-Key") ?? "";
    const same = this.#byKey.get(key);
    if (same) return json(201, { ...same, ...this.signed(same, [1]) });
    if (this.refuses(body.filename)) return problem(413, "too_large");
    if (body.fingerprint === null) return problem(400, "invalid");
    const begun = body.resume && this.#unfinished(body);
    if (begun) return json(200, begun);
    const id = `u${this.rows.size + 1}`;
    const stream = body.size === null;
    const partSize = this.#partSizeFor(body);
    const count = stream ? 2 : Math.max(1, Math.ceil(body.size / partSize));
    const now = new Date(this.serverTime()).toISOString();
    const own = {
      id,
      upload_id: count > 1 ? `M${id}` : null,
      method: count > 1 ? ("multipart" as const) : ("post" as const),
      size: body.size,
      part_size: partSize,
      part_count: stream ? null : count,
    };
    const row: Row = { ...emptyRow(own, body, now), size_limit: stream ? this.streamLimit : null };
    row.addresses = this.origins.map((origin) => `${origin}/${row.key}`);
    this.rows.set(id, row);
    if (key) this.#byKey.set(key, row);
    this.reported.set(id, new Map());
    const numbers = Array.from({ length: Math.min(body.sign, count) }, (_, index) => index + 1);
    return json(201, { ...row, ...this.signed(row, numbers) });
  }

  /** As `plan_for_line` in uploads/domain/plan.py. */
  #partSizeFor({ size, part_size }: { size: number | null; part_size?: number }): number {
    if (!this.suitsLine || size === null || part_size === undefined) return this.partSize;
    if (size <= part_size) return Math.max(size, 1);
    return Math.min(this.partSize, Math.max(part_size, Math.ceil(size / 10_000)));
  }

  #unfinished(body: Record<string, unknown>): Row | undefined {
    return [...this.rows.values()].findLast(
      (row) =>
        ["uploading", "completing"].includes(row.state) &&
        (["destination", "fingerprint", "filename", "size"] as const).every(
          (name) => row[name] === body[name],
        ),
    );
  }

  #list({ query }: Call): Response {
    const found = [...this.rows.values()].filter((row) =>
      (["state", "destination", "fingerprint"] as const).every(
        (name) => !query.has(name) || query.get(name) === row[name],
      ),
    );
    return json(200, { next: null, previous: null, results: found.reverse() });
  }

  /** Bytes of a part: as planned, or as asked for a stream's. */
  #sizeOf(row: Row, number: number, asked: number | undefined): number {
    if (row.size === null) return asked ?? sizeOf(streamPlan(row.part_size), number);
    return row.part_count === 1 ? row.size : Math.min(row.part_size, row.size - (number - 1) * row.part_size);
  }

  signed(row: Row, numbers: readonly number[], asked: ReadonlyMap<number, PartAsked> = new Map()) {
    const now = this.serverTime();
    const form = row.method === "post";
    const parts = numbers.map((number) => {
      const { size: exact, content_md5: md5 } = asked.get(number) ?? {};
      const bound: Record<string, string> = form
        ? { "x-oss-content-type": row.content_type }
        : { ...(md5 && { "Content-MD5": md5 }) };
      const size = this.#sizeOf(row, number, exact);
      return {
        number,
        method: form ? "POST" : "PUT",
        url: this.store.url(row.key, number, now + this.life, bound, size),
        size,
        ...(form ? { fields: bound } : { headers: bound }),
        expires_at: new Date(now + this.life).toISOString(),
      };
    });
    return { parts, server_time: new Date(now).toISOString() };
  }

  async #sign(row: Row, { body }: Call): Promise<Response> {
    if (row.state !== "uploading") return problem(409, "wrong_state");
    this.mostSigning = Math.max(this.mostSigning, ++this.signing);
    await this.clock.sleep(20, new AbortController().signal);
    this.signing -= 1;
    this.#record(row, body.done);
    const asked = new Map<number, PartAsked>(body.parts.map((part: PartAsked) => [part.number, part]));
    return json(200, {
      ...this.signed(row, [...asked.keys()], asked),
      parts_done: row.parts_done,
      bytes_done: row.bytes_done,
    });
  }

  #record(row: Row, parts: readonly DonePart[]): Response {
    const reported = this.reported.get(row.id) as Reported;
    for (const part of parts) reported.set(part.number, part);
    row.parts_done = reported.size;
    row.bytes_done = [...reported.values()].reduce((sum, { size }) => sum + size, 0);
    return json(200, { parts_done: row.parts_done, bytes_done: row.bytes_done });
  }

  /** ListParts. */
  held(row: Row): DonePart[] {
    const held = this.store.parts.get(row.key) ?? new Map<number, Blob>();
    return [...held].map(([number, { size }]) => {
      const crc64 = this.store.crc64s.get(`${row.key} ${number}`);
      return { number, size, etag: `E${size}`, ...(crc64 && { crc64 }) };
    });
  }

  #completeStream(row: Row, size: number | undefined): Response {
    if (size === undefined) return problem(400, "invalid");
    const held = this.held(row).sort((a, b) => a.number - b.number);
    const gaps = held.flatMap(({ number }, index) => (number === index + 1 ? [] : [index + 1]));
    const total = held.reduce((sum, part) => sum + part.size, 0);
    if (gaps.length || total !== size) return problem(409, "parts_missing", { errors: { parts: gaps } });
    Object.assign(row, { state: "completed", etag: "WHOLE", size, part_count: held.length });
    return json(200, row);
  }

  #complete(row: Row, done: readonly DonePart[], crc64?: string, size?: number): Response {
    if (crc64 !== undefined) row.crc64 = crc64;
    if (row.state === "completed") return json(200, row);
    if (row.state !== "uploading" && row.state !== "completing") return problem(409, "wrong_state");
    this.#record(row, done);
    const total = row.size;
    if (total === null) return this.#completeStream(row, size);
    const held = new Map(this.held(row).map(({ number, size }) => [number, size]));
    const numbers = Array.from({ length: row.part_count ?? 0 }, (_, index) => index + 1);
    const missing = numbers.filter(
      (n) => held.get(n) !== Math.min(row.part_size, total - (n - 1) * row.part_size),
    );
    if (missing.length > 0) return problem(409, "parts_missing", { errors: { parts: missing } });
    row.state = "completed";
    row.etag = "WHOLE";
    return json(200, row);
  }

  #abort(row: Row): Response {
    if (row.state === "completed") return problem(409, "wrong_state");
    row.state = "aborted";
    this.store.parts.delete(row.key);
    return new Response(null, { status: 204 });
  }

  /** The object as it would be read back. */
  object(row: Row): Promise<string> {
    const held = [...this.store.hold(row.key)].sort(([a], [b]) => a - b);
    return new Blob(held.map(([, blob]) => blob)).text();
  }
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export function problem(
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
): Response {
  return json(status, { title: "Refused", status, detail: "In words.", code, ...more }, headers);
}
