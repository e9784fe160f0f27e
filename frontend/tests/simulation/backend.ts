// A model of the backend's API over the model OSS: the same states, answers and decisions as the Django services.

import type { SignedBatch } from "../../src/engine/api.ts";
import type { DonePart } from "../../src/engine/parts.ts";
import { keepBeginning } from "../kept.ts";
import type { ModelOss } from "./oss.ts";
import type { CallFault, Plan, Target } from "./plan.ts";
import { crc64Of } from "./platform.ts";
import { type Answer, batch, busy, lastStreamPart, newRow, problem, type Row, waiting } from "./rows.ts";

export interface Call {
  readonly target: Target;
  readonly id: string;
  readonly query: URLSearchParams;
  // biome-ignore lint/suspicious/noExplicitAny: the body differs from call to call
  readonly body: any;
  readonly idempotencyKey: string;
}

export class ModelBackend {
  readonly rows = new Map<string, Row>();
  readonly #byKey = new Map<string, Row>();

  constructor(
    readonly oss: ModelOss,
    readonly plan: Plan,
  ) {}

  answer(call: Call, fault: CallFault | undefined): Answer {
    if (call.target === "create") return this.#create(call.body, call.idempotencyKey, fault);
    if (call.target === "createMany") {
      return batch(call.body.uploads, (body) => this.#create(body, "", fault));
    }
    if (call.target === "completeMany") {
      return batch(call.body.uploads, (body: { id: string; crc64?: string }) => {
        const row = this.rows.get(body.id);
        return row ? this.complete(row, body, fault) : problem(404, "not_found");
      });
    }
    if (call.target === "list") return this.#list(call.query);
    const row = this.rows.get(call.id);
    return row ? this.#answerFor(row, call, fault) : problem(404, "not_found");
  }

  #answerFor(row: Row, { target, body }: Call, fault: CallFault | undefined): Answer {
    switch (target) {
      case "get":
        return { status: 200, body: row };
      case "parts":
        return this.#listParts(row, fault);
      case "sign":
        this.#record(row, body.done);
        if (row.state !== "uploading") return problem(409, "wrong_state");
        row.expected = body.crc64 ?? row.expected;
        return { status: 200, body: this.#signed(row, body.parts) };
      case "checkpoint":
        this.#record(row, body.parts);
        return { status: 200, body: {} };
      case "diagnose": // The model OSS refuses no page, so that the fault is in the network.
        return {
          status: 200,
          body: {
            verdict: "reachable",
            code: "storage_blocked",
            title: "",
            detail: "",
            cure: "",
            retryable: true,
          },
        };
      case "credentials":
        return this.#credentials(row);
      case "complete":
        return this.complete(row, body, fault);
      default:
        return this.abort(row, fault);
    }
  }

  // Begin

  // biome-ignore lint/suspicious/noExplicitAny: JSON
  #create(body: any, idempotencyKey: string, fault: CallFault | undefined): Answer {
    const begun = this.#byKey.get(idempotencyKey);
    if (begun) return { status: 201, body: { ...begun, ...this.#firstUrls(begun, body.sign) } };
    const unfinished = body.resume && body.fingerprint && this.#unfinished(body);
    if (unfinished) return { status: 200, body: unfinished };
    this.oss.oracle.begun(body.fingerprint && this.#unfinished(body));
    const row = newRow(body, `u${this.rows.size + 1}`, this.plan, this.oss.serverTime);
    if (row.method === "multipart") {
      if (fault === "ossDown") return busy();
      row.upload_id = this.oss.initiate(row.key);
      if (fault === "ossLost") return busy(); // The sweep aborts what has no row.
    }
    this.rows.set(row.id, row);
    if (idempotencyKey) this.#byKey.set(idempotencyKey, row);
    return { status: 201, body: { ...row, ...this.#firstUrls(row, body.sign) } };
  }

  #unfinished(body: Record<string, unknown>): Row | undefined {
    return [...this.rows.values()].findLast(
      (row) =>
        ["uploading", "completing"].includes(row.state) &&
        (["fingerprint", "filename", "size"] as const).every((name) => row[name] === body[name]),
    );
  }

  #list(query: URLSearchParams): Answer {
    const wanted = (["state", "fingerprint"] as const).filter((name) => query.has(name));
    const results = [...this.rows.values()].filter((row) =>
      wanted.every((name) => query.get(name) === row[name]),
    );
    return { status: 200, body: { next: null, results: results.reverse() } };
  }

  // Parts

  #firstUrls(row: Row, count: number): Partial<SignedBatch> {
    if (!count || row.state !== "uploading") return {};
    const last = Math.min(count, row.part_count ?? count);
    return this.#signed(
      row,
      Array.from({ length: last }, (_, index) => ({ number: index + 1 })),
    );
  }

  #signed(row: Row, parts: readonly { number: number; content_md5?: string }[]): SignedBatch {
    const now = this.oss.serverTime;
    const expiresAt = now + this.plan.urlLife * 1000;
    const { key, upload_id: uploadId, method, size } = row;
    const bound = method === "multipart" ? null : size;
    const signed = parts.map(({ number, content_md5: md5 = null }) =>
      this.oss.sign(number, method === "post" && md5 === null, {
        key,
        uploadId,
        expiresAt,
        md5,
        size: bound,
      }),
    );
    return { parts: signed, server_time: new Date(now).toISOString() };
  }

  #credentials(row: Row): Answer {
    const { credentialsLife } = this.plan;
    if (credentialsLife === null) return problem(409, "not_offered");
    if (row.state !== "uploading") return problem(409, "wrong_state");
    const body = {
      access_key_id: "STS.1",
      access_key_secret: "secret",
      security_token: "token",
      expires_at: new Date(this.oss.serverTime + credentialsLife * 1000).toISOString(),
      region: "cn-hangzhou",
      bucket: row.bucket,
      key: row.key,
      upload_id: row.upload_id,
    };
    return { status: 200, body };
  }

  #record(row: Row, parts: readonly DonePart[] = []): void {
    if (row.state !== "uploading") return;
    for (const { number, crc64 } of parts) row.recorded.set(number, crc64);
    row.parts_done = row.recorded.size;
  }

  #listParts(row: Row, fault: CallFault | undefined): Answer {
    if (row.state !== "uploading") return problem(409, "wrong_state");
    if (row.upload_id === null) return { status: 200, body: { parts: [] } };
    if (fault === "ossDown") return busy();
    const multipart = this.oss.multiparts.get(row.upload_id);
    if (!multipart) {
      const completed = this.complete(row, {}, fault);
      return completed.status === 200 ? problem(409, "wrong_state") : completed;
    }
    const held = [...multipart.parts].sort(([a], [b]) => a - b);
    const parts = held.map(([number, bytes]) => {
      const crc64 = crc64Of(bytes);
      return { number, size: bytes.length, etag: `E${crc64}`, crc64 };
    });
    row.recorded.clear();
    this.#record(row, parts);
    return { status: 200, body: { parts } };
  }

  // The end

  /** Completes the upload, once, whatever happened before. */
  complete(
    row: Row,
    report: { done?: readonly DonePart[]; crc64?: string; size?: number; keep?: true },
    fault: CallFault | undefined,
  ): Answer {
    if (row.state === "completed") return { status: 200, body: row };
    if (row.state !== "uploading" && row.state !== "completing") return problem(409, "wrong_state");
    this.#record(row, report.done);
    if (row.state === "uploading") row.expected = report.crc64 ?? row.expected;
    if (fault === "ossDown") return row.state === "completing" ? waiting(row) : busy();
    if (row.upload_id === null) return this.#completeSingle(row);
    return this.#completeMultipart(row, row.upload_id, report, fault);
  }

  #completeMultipart(
    row: Row,
    uploadId: string,
    report: { crc64?: string; size?: number; keep?: true },
    fault: CallFault | undefined,
  ): Answer {
    const multipart = this.oss.multiparts.get(uploadId);
    const size = row.size ?? (report.keep ? this.#keep(row, multipart?.parts) : report.size);
    if (multipart && row.part_count === null && row.size !== null) keepBeginning(multipart.parts, row.size);
    if (!multipart) return this.oss.objects.has(row.key) ? this.#finish(row) : this.#gone(row);
    if (size === undefined) return problem(400, "invalid");
    const missing = this.#missingParts(row, multipart.parts, size);
    if (missing) {
      row.state = "uploading";
      if (row.part_count === null) row.size = null;
      return problem(409, "parts_missing", { errors: { parts: missing } });
    }
    row.state = "completing";
    row.size = size;
    if (fault === "ossLost" && this.oss.scheduler.random() < 0.5) return waiting(row);
    this.oss.complete(
      uploadId,
      [...multipart.parts.keys()].sort((a, b) => a - b),
    );
    return fault === "ossLost" ? waiting(row) : this.#finish(row);
  }

  /** The bytes of an interrupted stream before the first part that is missing or damaged. */
  #keep({ recorded }: Row, parts: Map<number, Uint8Array> | undefined): number {
    for (const [number, bytes] of parts ?? []) {
      const crc64 = recorded.get(number);
      if (crc64 !== undefined && crc64 !== crc64Of(bytes)) parts?.delete(number);
    }
    return keepBeginning(parts);
  }

  #completeSingle(row: Row): Answer {
    const object = this.oss.objects.get(row.key);
    if (object?.length !== row.size) {
      row.state = "uploading";
      return problem(409, "parts_missing", { errors: { parts: [1] } });
    }
    return this.#finish(row);
  }

  /** The numbers of parts that OSS lacks or that are damaged; null when the file is whole. */
  #missingParts(row: Row, parts: ReadonlyMap<number, Uint8Array>, size: number): number[] | null {
    const count = row.part_count ?? Math.max(1, ...parts.keys());
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const wrong = numbers.filter((number) => {
      const bytes = parts.get(number);
      const recorded = row.recorded.get(number);
      if (!bytes || (recorded !== undefined && recorded !== crc64Of(bytes))) return true;
      if (row.part_count === null) return false;
      return bytes.length !== Math.min(row.part_size, size - (number - 1) * row.part_size);
    });
    const total = [...parts.values()].reduce((sum, { length }) => sum + length, 0);
    return wrong.length > 0 || (row.part_count === null && total !== size) ? wrong : null;
  }

  #finish(row: Row): Answer {
    const object = this.oss.objects.get(row.key) as Uint8Array;
    const crc64 = crc64Of(object);
    if (row.expected !== undefined && row.expected !== crc64) return this.#fail(row, 409, "object_mismatch");
    const part_count = row.part_count ?? lastStreamPart(row.part_size, object.length);
    Object.assign(row, { state: "completed", etag: `E${crc64}`, crc64, size: object.length, part_count });
    return { status: 200, body: row };
  }

  #gone(row: Row): Answer {
    return this.#fail(row, 410, "upload_gone");
  }

  #fail(row: Row, status: number, code: string): Answer {
    row.state = "failed";
    row.error = { code, title: code, detail: "" };
    return problem(status, code);
  }

  abort(row: Row, fault: CallFault | undefined): Answer {
    if (row.state === "completing") return problem(409, "wrong_state");
    if (row.state === "completed") return problem(409, "deletion_not_allowed");
    if (row.state === "uploading") row.state = "aborted";
    if (fault === "ossDown") return busy();
    this.oss.multiparts.delete(row.upload_id ?? "");
    if (row.state === "aborted") this.oss.objects.delete(row.key);
    return fault === "ossLost" ? busy() : { status: 204, body: null };
  }

  /** OSS's lifecycle rule aborts all open multipart uploads. */
  loseMultiparts(): void {
    for (const row of this.rows.values()) row.isLost ||= this.oss.multiparts.delete(row.upload_id ?? "");
  }

  /** The sweep, long after everything: it settles, adopts, aborts and releases, and aborts what has no row. */
  sweep(): void {
    for (const row of this.rows.values()) {
      const wasOpen = row.state !== "completed";
      const { size } = row;
      const whole = size !== null && this.oss.objects.get(row.key)?.length === size;
      if (row.state === "completing" || (row.state === "uploading" && whole)) {
        this.complete(row, {}, undefined);
      }
      row.isAdopted = wasOpen && row.state === "completed";
      this.abort(row, undefined);
    }
    const known = new Set([...this.rows.values()].map(({ upload_id }) => upload_id));
    for (const id of this.oss.multiparts.keys()) if (!known.has(id)) this.oss.multiparts.delete(id);
  }
}
