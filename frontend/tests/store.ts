// OSS in memory, as a Transport: checks URLs and headers, keeps the bytes, and injects faults.

import type { SendRequest, SendResponse, Transport } from "../src/engine/ports.ts";
import { TableCrc64 } from "../src/hashing/crc64-table.ts";
import type { FakeClock } from "./clock.ts";

export type Fault =
  | "no_response"
  | "stall"
  | "lost"
  | "damaged"
  | { status: number; code: string; headers?: Record<string, string> };

export interface Sent {
  readonly key: string;
  readonly number: number;
  readonly origin: string;
  readonly at: number;
  readonly size: number;
  readonly outcome: string;
}

export async function crc64Of(blob: Blob): Promise<string> {
  const crc64 = new TableCrc64();
  crc64.update(new Uint8Array(await blob.arrayBuffer()));
  return crc64.digest();
}

export const HOST = "https://bucket.oss.test";
/** Milliseconds between two events of progress, where there are many. */
const STEP = 200;

export class FakeStore implements Transport {
  /** The parts held, by key; a single request is part 1. */
  readonly parts = new Map<string, Map<number, Blob>>();
  readonly crc64s = new Map<string, string>();
  readonly sent: Sent[] = [];
  readonly #tries = new Map<number, number>();
  /** Bytes a second of each request, by the origin that it goes to. */
  speed = 1000;
  speedOf: (origin: string) => number = () => this.speed;
  /** Bytes a second of all requests together, instead. */
  line: number | null = null;
  /** Whether a request has many events of progress, instead of two. */
  isGradual = false;
  /** Called before each request; undefined injects no fault. */
  fault: (number: number, tries: number, origin: string) => Fault | undefined = () => undefined;
  /** The application's answer to the callback; null without one. */
  callback: { status: number; body: string } | null = null;
  exposesEtag = true;
  exposesCrc64 = true;
  inFlight = 0;
  mostInFlight = 0;

  constructor(
    readonly clock: FakeClock,
    readonly serverTime: () => number,
  ) {}

  get accepted(): number[] {
    return this.sent.filter(({ outcome }) => outcome === "done").map(({ number }) => number);
  }

  tries(number: number): number {
    return this.#tries.get(number) ?? 0;
  }

  url(key: string, number: number, expires: number, signed: Record<string, string>, size: number): string {
    const query = new URLSearchParams({
      partNumber: String(number),
      expires: String(expires),
      signed: JSON.stringify(signed),
      size: String(size),
    });
    return `${HOST}/${key}?${query}`;
  }

  async send(request: SendRequest): Promise<SendResponse> {
    const url = new URL(request.signed.url);
    const number = Number(url.searchParams.get("partNumber"));
    const key = url.pathname.slice(1);
    const tries = this.tries(number) + 1;
    const fault = this.fault(number, tries, url.origin) ?? this.#refusal(url, request);
    this.#tries.set(number, tries);
    const index = this.sent.length;
    const record = { key, number, origin: url.origin, at: this.clock.now(), size: request.body.size };
    const note = (outcome: string) => {
      this.sent[index] = { ...record, outcome };
    };
    note("aborted");
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    try {
      const answer = await this.#answer(request, fault);
      if (answer.status === 200 || answer.status === 203 || fault === "lost")
        await this.#hold(key, number, request.body, fault);
      note(
        answer.status === 200 && fault !== "damaged"
          ? "done"
          : typeof fault === "object"
            ? fault.code
            : String(fault),
      );
      return answer;
    } finally {
      this.inFlight -= 1;
    }
  }

  hold(key: string): Map<number, Blob> {
    const held = this.parts.get(key) ?? new Map<number, Blob>();
    this.parts.set(key, held);
    return held;
  }

  async #hold(key: string, number: number, body: Blob, fault: Fault | undefined): Promise<void> {
    const kept = fault === "damaged" ? new Blob(["x".repeat(body.size)]) : body;
    this.hold(key).set(number, kept);
    this.crc64s.set(`${key} ${number}`, await crc64Of(kept));
  }

  #refusal(url: URL, request: SendRequest): Fault | undefined {
    if (url.searchParams.has("x-oss-signature")) return this.#refusalOfV4(url);
    if (Number(url.searchParams.get("expires")) <= this.serverTime())
      return { status: 403, code: "AccessDenied" };
    const { headers, fields } = request.signed;
    const exact =
      url.searchParams.get("size") === String(request.body.size) &&
      url.searchParams.get("signed") === JSON.stringify(fields ?? headers) &&
      request.body.type === "";
    return exact ? undefined : { status: 403, code: "SignatureDoesNotMatch" };
  }

  /** For URLs signed in the page: checks their time as OSS does. The signature has test vectors of its own. */
  #refusalOfV4(url: URL): Fault | undefined {
    const [date = "", expires = ""] = ["x-oss-date", "x-oss-expires"].map(
      (name) => url.searchParams.get(name) ?? "",
    );
    const begun = Date.parse(date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:"));
    const late = this.serverTime() > begun + Number(expires) * 1000;
    return late || this.serverTime() < begun - 900_000 ? { status: 403, code: "AccessDenied" } : undefined;
  }

  /** Sends the body in small steps. */
  async #share({ signed, body, signal, onprogress }: SendRequest): Promise<void> {
    const { origin } = new URL(signed.url);
    for (let sent = 0; sent < body.size; ) {
      await this.clock.sleep(STEP, signal);
      const rate = this.line === null ? this.speedOf(origin) : this.line / this.inFlight;
      sent += (rate / 1000) * STEP;
      onprogress(Math.min(body.size, Math.floor(sent)));
    }
  }

  async #answer(request: SendRequest, fault: Fault | undefined): Promise<SendResponse> {
    const { signed, body, signal, onprogress } = request;
    const none = { status: 0, headers: new Headers(), body: "" };
    if (fault === "no_response") return none;
    if (fault === "stall") {
      onprogress(body.size / 2);
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    if (this.isGradual) await this.#share(request);
    const half = this.isGradual ? 0 : (body.size / this.speedOf(new URL(signed.url).origin)) * 500;
    await this.clock.sleep(half, signal);
    if (!this.isGradual) onprogress(Math.floor(body.size / 2));
    await this.clock.sleep(half, signal);
    onprogress(body.size + 100); // browsers may count what is around the body
    if (fault === "lost") return none;
    if (typeof fault === "object") return refusal(fault);
    const headers = new Headers({ "x-oss-request-id": "REQ-OK" });
    if (this.exposesEtag) headers.set("etag", `"E${body.size}"`);
    if (this.exposesCrc64)
      headers.set("x-oss-hash-crc64ecma", fault === "damaged" ? "1" : await crc64Of(body));
    return { status: 200, headers, body: "", ...this.callback };
  }
}

function refusal({ status, code, headers = {} }: Exclude<Fault, string>): SendResponse {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No &amp; never.</Message><RequestId>REQ-1</RequestId></Error>`;
  return { status, headers: new Headers(headers), body };
}
