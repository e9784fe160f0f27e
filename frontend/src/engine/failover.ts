// Sends a file in one request, and to the next address of its bucket when one gives no answer.
// Never to two at once, and not as a probe: such a request creates the object, which OSS may refuse to do twice.

import { reportLeftOut } from "./address.ts";
import type { Api } from "./api.ts";
import type { Pace } from "./pace.ts";
import type { Semaphore } from "./queue.ts";
import type { Router } from "./route.ts";
import type { Arrival, Sender, SenderPorts } from "./sender.ts";
import type { FreshPart } from "./signer.ts";
import type { Transfer } from "./transfer.ts";

/** The index of the address that answered last, by the first address. The uploads of a page share it. */
const answering = new WeakMap<Semaphore, Map<string, number>>();

export class Failover implements Router {
  readonly level = 1;
  readonly #addresses: readonly string[];
  readonly #api: Api;
  readonly #id: string;
  readonly #known: Map<string, number>;
  readonly #sender: Sender;
  readonly #reported = new Set<number>();
  #index: number;
  /** As the backend signed it, for the first address. */
  #signed: FreshPart | null = null;

  constructor(
    { remote, ports: { api, requests } }: Pick<Transfer, "remote" | "ports">,
    sender: Sender,
    readonly pace: Pace | null,
  ) {
    this.#api = api;
    this.#id = remote.id;
    this.#addresses = remote.addresses ?? [];
    this.#known = answering.get(requests) ?? new Map();
    answering.set(requests, this.#known);
    this.#index = this.#known.get(this.#place) ?? 0;
    const { ports } = sender;
    this.#sender = sender.with({ ...ports, signer: this.#signer(ports), breaker: this.#breaker(ports) });
  }

  /** As `Sender.send`. Null when the part was put back. */
  async send(number: number, signal: AbortSignal): Promise<Arrival | null> {
    this.#signed = null; // It may contain the MD5 of what the file was before.
    const send = (cut: AbortSignal) => this.#sender.send(number, signal, cut);
    return this.pace ? this.pace.send(number, signal, send) : send(signal);
  }

  /** Nothing has to be distributed. */
  async watch(): Promise<void> {}

  get #place(): string {
    return new URL(this.#addresses[0] as string).origin;
  }

  /** A V4 signature does not contain the host. The URL of a form is that of the bucket, without the object's key. */
  #at(signedUrl: string): string {
    const [first = "", address = first] = [this.#addresses[0], this.#addresses[this.#index]];
    const [bare = ""] = signedUrl.split("?", 1);
    if (!first.startsWith(bare)) return signedUrl;
    const keyLength = first.length - bare.length;
    return address.slice(0, address.length - keyLength) + signedUrl.slice(bare.length);
  }

  #signer({ signer }: SenderPorts): SenderPorts["signer"] {
    return {
      isFresh: (part) => signer.isFresh(part) && part.url === this.#at((this.#signed ?? part).url),
      refuse: (part) => {
        this.#signed = null;
        signer.refuse(part);
      },
      take: async (number, size, signal) => {
        const known = this.#signed && signer.isFresh(this.#signed) ? this.#signed : null;
        this.#signed = known ?? (await signer.take(number, size, signal));
        return { ...this.#signed, url: this.#at(this.#signed.url) };
      },
    };
  }

  #breaker({ breaker }: SenderPorts): SenderPorts["breaker"] {
    return {
      get isOpen() {
        return breaker.isOpen;
      },
      acquire: (signal) => breaker.acquire(signal),
      recordResponse: () => {
        this.#known.set(this.#place, this.#index);
        breaker.recordResponse();
      },
      recordBusy: (error) => breaker.recordBusy(error),
      recordStall: () => {
        this.#takeNext();
        breaker.recordStall();
      },
      recordNoResponse: async (request, startedAt, signal) => {
        this.#takeNext();
        await breaker.recordNoResponse(request, startedAt, signal);
      },
    };
  }

  #takeNext(): void {
    if (!this.#api.environment.connection.online) return;
    if (!this.#reported.has(this.#index)) reportLeftOut(this.#api, this.#id, this.#index);
    this.#reported.add(this.#index);
    this.#index = (this.#index + 1) % this.#addresses.length;
  }
}
