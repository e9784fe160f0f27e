// A model of OSS: multipart uploads and objects in memory, presigned requests with expiry, and the faults of a network.
// A request whose page has gone may still arrive.

import type { SignedPart } from "../../src/engine/api.ts";
import type { SendRequest, SendResponse, SignedRequest } from "../../src/engine/ports.ts";
import type { Oracle } from "./oracle.ts";
import type { Faults, PartFault, Plan } from "./plan.ts";
import { crc64Of, joined, type MemoryBlob } from "./platform.ts";
import type { Scheduler } from "./scheduler.ts";

export const HOST = "https://bucket.oss.test";
export const OTHER_HOST = "https://fast.oss.test";
/** Years away from the device's date. */
const SERVER_EPOCH = Date.UTC(2044, 1, 29, 12);

export interface Multipart {
  readonly key: string;
  readonly parts: Map<number, Uint8Array>;
}

/** A request on its way: the page may end it, or the network. */
export interface OnItsWay {
  readonly page: Sending;
  readonly host: string;
  readonly key: string;
  readonly loaded: number;
  cut(): void;
  lose(): void;
}

/** The page that sends a request. */
export interface Sending {
  readonly id: number;
  readonly isAlive: boolean;
  readonly isOnline: boolean;
  /** What ends when the page or its network does. */
  readonly requests: Set<OnItsWay>;
  /** Requests that were lost a moment ago. */
  readonly lost: Set<OnItsWay>;
  after(milliseconds: number, run: () => void): () => void;
}

/** What a signature allows. */
export interface Permission {
  readonly key: string;
  readonly number: number;
  readonly uploadId: string | null;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly md5: string | null;
  readonly size: number | null;
}

export class ModelOss {
  readonly multiparts = new Map<string, Multipart>();
  readonly objects = new Map<string, Uint8Array>();
  #lastUploadId = 0;

  constructor(
    readonly scheduler: Scheduler,
    readonly plan: Plan,
    readonly faults: Faults,
    readonly oracle: Oracle,
  ) {}

  get serverTime(): number {
    return SERVER_EPOCH + this.scheduler.now + this.scheduler.slept;
  }

  initiate(key: string): string {
    const uploadId = `M${++this.#lastUploadId}`;
    this.multiparts.set(uploadId, { key, parts: new Map() });
    return uploadId;
  }

  /** Joins these parts into the object. */
  complete(uploadId: string, numbers: readonly number[]): void {
    const { key, parts } = this.multiparts.get(uploadId) as Multipart;
    this.objects.set(key, joined(numbers.map((number) => parts.get(number) as Uint8Array)));
    this.multiparts.delete(uploadId);
  }

  /** The bytes that OSS holds for a part, or for a file in one request. */
  held(key: string, uploadId: string | null, number: number): Uint8Array | undefined {
    return uploadId === null ? this.objects.get(key) : this.multiparts.get(uploadId)?.parts.get(number);
  }

  /** Presigns a request: a form for a file in one request, PUT otherwise. */
  sign(number: number, form: boolean, allowed: Omit<Permission, "notBefore" | "number">): SignedPart {
    const { key, uploadId, expiresAt, md5, size } = allowed;
    const facts = {
      partNumber: String(number),
      expires: String(expiresAt),
      ...(uploadId && { uploadId }),
      ...(md5 && { md5 }),
      ...(size !== null && { size: String(size) }),
    };
    const expires_at = new Date(expiresAt).toISOString();
    if (form) return { number, method: "POST", url: `${HOST}/`, fields: { key, ...facts }, expires_at };
    const url = `${HOST}/${key}?${new URLSearchParams(facts)}`;
    return { number, method: "PUT", url, headers: md5 ? { "Content-MD5": md5 } : {}, expires_at };
  }

  send(page: Sending, request: SendRequest): Promise<SendResponse> {
    return new Promise((resolve, reject) => {
      if (request.signal.aborted) return reject(request.signal.reason);
      const delivery = new Delivery(this, page, request, resolve);
      request.signal.addEventListener("abort", () => {
        delivery.cut();
        reject(request.signal.reason);
      });
    });
  }

  /** Takes the bytes, or says why not. */
  receive(allowed: Permission, startedAt: number, bytes: Uint8Array): SendResponse {
    const { key, number, uploadId, notBefore, expiresAt, md5, size } = allowed;
    if (startedAt < notBefore || startedAt > expiresAt) return refusal(403, "AccessDenied");
    if (md5 !== null && md5 !== `md5-${crc64Of(bytes)}`) return refusal(400, "InvalidDigest");
    if (size !== null && size !== bytes.length) return refusal(400, "EntityTooLarge");
    const multipart = uploadId === null ? null : this.multiparts.get(uploadId);
    if (multipart === undefined) return refusal(404, "NoSuchUpload");
    // Destinations forbid to overwrite unless their settings say otherwise.
    if (!multipart && this.objects.has(key)) return refusal(409, "FileAlreadyExists");
    if (multipart) multipart.parts.set(number, bytes);
    else this.objects.set(key, bytes);
    const crc64 = crc64Of(bytes);
    const shown = { etag: `"E${crc64}"`, "x-oss-hash-crc64ecma": crc64 };
    return { status: 200, headers: new Headers(this.plan.exposes ? shown : {}), body: "" };
  }
}

/** What the signature of this request allows. */
export function permissionOf({ url, fields, headers }: SignedRequest): Permission {
  const { pathname, searchParams } = new URL(url);
  const fact = (name: string) => fields?.[name] ?? searchParams.get(name);
  const date = fact("x-oss-date");
  const signedAt = date
    ? Date.parse(date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:"))
    : null;
  const md5 = fact("md5");
  return {
    key: fields?.key ?? pathname.slice(1),
    number: Number(fact("partNumber")),
    uploadId: fact("uploadId"),
    notBefore: signedAt === null ? 0 : signedAt - 900_000,
    expiresAt: signedAt === null ? Number(fact("expires")) : signedAt + Number(fact("x-oss-expires")) * 1000,
    md5: md5 && headers?.["Content-MD5"] !== md5 ? "not sent" : md5,
    size: fact("size") === null ? null : Number(fact("size")),
  };
}

const ERRORS: Partial<Record<PartFault, () => SendResponse>> = {
  serverError: () => refusal(500, "InternalError"),
  busy: () => refusal(503, "ServiceUnavailable", { "retry-after": "3" }),
  expired: () => refusal(403, "AccessDenied"),
  badRequest: () => refusal(400, "InvalidArgument"),
  requestTimeout: () => refusal(400, "RequestTimeout"),
};

function refusal(status: number, code: string, headers: Record<string, string> = {}): SendResponse {
  return { status, headers: new Headers(headers), body: `<Error><Code>${code}</Code></Error>` };
}

function noResponse(): SendResponse {
  return { status: 0, headers: new Headers(), body: "" };
}

/** One request on its way. */
class Delivery implements OnItsWay {
  readonly #startedAt: number;
  readonly #allowed: Permission;
  readonly #fault: PartFault | undefined;
  #bytes: Uint8Array = new Uint8Array();
  /** What arrived. */
  #stored: Uint8Array = new Uint8Array();
  #cancel: () => void = () => {};
  #isSent = false;
  #hasArrived = false;
  readonly host: string;
  loaded = 0;

  constructor(
    readonly oss: ModelOss,
    readonly page: Sending,
    readonly request: SendRequest,
    readonly resolve: (response: SendResponse) => void,
  ) {
    this.#startedAt = oss.serverTime;
    this.#allowed = permissionOf(request.signed);
    this.host = new URL(request.signed.url).origin;
    this.#fault = oss.faults.next("part") as PartFault | undefined;
    page.requests.add(this);
    this.#show();
    this.#start();
  }

  get key(): string {
    return this.#allowed.key;
  }

  #start(): void {
    const isDead = this.oss.plan.other === "dead" && this.host === OTHER_HOST;
    const isLost = !this.page.isOnline || isDead || this.#fault === "resetBefore";
    this.#later(() => (this.#read() && !isLost ? this.#sendHalf() : this.#end(noResponse())));
  }

  /** False when the file cannot be read: a page cannot tell that from a lost connection. */
  #read(): boolean {
    try {
      this.#bytes = (this.request.body as unknown as MemoryBlob).read();
      return true;
    } catch {
      return false;
    }
  }

  /** The second half is read later than the first. */
  #readRest(): boolean {
    try {
      this.#bytes = (this.request.body as unknown as MemoryBlob).readRest(this.#bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** Lets the oracle look at the request when it starts. */
  #show(): void {
    const { oracle } = this.oss;
    if (this.#read()) oracle.sending(this.page, this.#allowed, this.#bytes);
    oracle.inFlight.add(this);
    const { notBefore, expiresAt } = this.#allowed;
    oracle.used(this.#startedAt >= notBefore && this.#startedAt <= expiresAt);
  }

  #sendHalf(): void {
    this.#progress(Math.floor(this.#bytes.length / 2));
    if (this.#fault === "resetIn") this.#end(noResponse());
    else if (this.#fault !== "stallBefore") this.#later(() => this.#sendAll());
  }

  #sendAll(): void {
    const wasRead = this.#readRest();
    this.#progress(this.#bytes.length + 100); // Browsers may count what is around the body.
    const error = this.#fault && ERRORS[this.#fault];
    if (!wasRead) this.#end(noResponse());
    else if (error) this.#end(error());
    else this.#deliver();
  }

  #deliver(): void {
    this.#isSent = true;
    this.#later(() => {
      const response = this.#arrive();
      if (this.#fault === "stallAfter") return;
      this.#later(() => this.#end(this.#fault === "lostAnswer" ? noResponse() : response));
    });
  }

  #arrive(): SendResponse {
    this.#hasArrived = true;
    const bytes = this.#bytes.slice();
    const [first] = bytes;
    if (this.#fault === "damaged" && this.oss.plan.integrity !== "none" && first !== undefined) {
      bytes[0] = first ^ 1;
    }
    this.#stored = bytes;
    return this.oss.receive(this.#allowed, this.#startedAt, bytes);
  }

  #progress(loaded: number): void {
    this.loaded = Math.min(loaded, this.#bytes.length);
    this.request.onprogress(loaded);
  }

  #later(run: () => void): void {
    const { scheduler } = this.oss;
    const delay = this.#fault === "slow" ? scheduler.between(5_000, 14_000) : scheduler.between(1, 60);
    this.#cancel = this.page.after(delay, run);
  }

  #end(response: SendResponse): void {
    this.oss.oracle.inFlight.delete(this);
    if (!this.page.requests.delete(this)) return;
    if (response.status === 200) this.oss.oracle.taken(this.page, this.#allowed, this.#stored);
    if (response.status === 0) this.#remain();
    this.resolve(response);
  }

  /** The network ends: there is no response. */
  lose(): void {
    this.cut();
    this.#remain();
    this.resolve(noResponse());
  }

  #remain(): void {
    this.page.lost.add(this);
    this.oss.scheduler.after(100, () => this.page.lost.delete(this));
  }

  /** The request ends on our side. What has been sent whole may arrive later. */
  cut(): void {
    this.oss.oracle.inFlight.delete(this);
    if (!this.page.requests.delete(this)) return;
    this.#cancel();
    const { scheduler } = this.oss;
    if (!this.#isSent || this.#hasArrived || scheduler.random() < 0.5) return;
    this.oss.faults.count("part arrives after its request was aborted");
    scheduler.after(scheduler.between(1, 2000), () => this.#arrive());
  }
}
