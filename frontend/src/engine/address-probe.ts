// Measures how soon an address answers: it begins to send a part there, and aborts when OSS takes the first bytes.
// By then the name was resolved, the connection and TLS stand, and OSS has answered the CORS preflight. The part is one
// that is being sent elsewhere, so that no time is lost, and OSS gets no request that it would refuse.

import type { Address } from "./address.ts";
import type { Sender, SenderPorts } from "./sender.ts";
import type { FreshPart } from "./signer.ts";
import { rangeOf } from "./transfer.ts"; // Parts come with it: no chunk more to load.

/** Milliseconds after which an address does not answer. */
const TIMEOUT = 10_000;
/** Milliseconds until an address that is left out is probed again. */
const PROBE_AGAIN_AFTER = 60_000;

export interface ProbePorts extends Pick<SenderPorts, "clock" | "transport" | "source" | "plan"> {
  readonly sender: Sender;
  /** A part that is being sent, with a URL that is still valid; undefined while there is none. */
  part(): FreshPart | undefined;
  onfailure(address: Address): void;
  onanswer(): void;
}

export class AddressProbe {
  readonly #running = new Set<Address>();

  constructor(
    readonly addresses: readonly Address[],
    readonly ports: ProbePorts,
  ) {}

  /** Probes the other addresses, unless they have answered. A pause ends a probe, and the next part begins it again. */
  probeOthers(first: Address, signal: AbortSignal): void {
    for (const address of this.addresses) {
      if (address === first || address.isOut || address.answerTime !== null) continue;
      if (!this.#running.has(address)) void this.#probe(address, signal);
    }
  }

  /** Probes the addresses that were left out long ago. */
  probeAgain(signal: AbortSignal): void {
    const now = this.ports.clock.now();
    for (const address of this.addresses) {
      if (!address.isOut || now - address.outSince < PROBE_AGAIN_AFTER) continue;
      address.outSince = now;
      void this.#probe(address, signal);
    }
  }

  async #probe(address: Address, signal: AbortSignal): Promise<void> {
    this.#running.add(address);
    const release = await address.requests.acquire(signal).catch(() => null);
    try {
      const part = this.ports.part();
      if (!release || !part) return;
      const time = await this.#time(address, part, signal);
      if (!signal.aborted) this.#record(address, time);
    } finally {
      this.#running.delete(address);
      release?.();
    }
  }

  #record(address: Address, time: number | null): void {
    if (time === null) this.ports.onfailure(address);
    else {
      address.answerTime ??= time;
      address.readmit();
      this.ports.onanswer();
    }
  }

  /** Milliseconds until the address answers; null if it does not, or refuses. */
  async #time(address: Address, part: FreshPart, signal: AbortSignal): Promise<number | null> {
    const { clock, source, plan, sender, transport } = this.ports;
    const startedAt = clock.now();
    const ended = new AbortController();
    const end = () => ended.abort();
    const isLate = clock.sleep(TIMEOUT, ended.signal).then(end, () => {});
    signal.addEventListener("abort", end);
    let answeredAt: number | null = null;
    const onprogress = (loaded: number) => {
      if (loaded === 0 || ended.signal.aborted) return;
      answeredAt = clock.now();
      end();
    };
    try {
      const body = source.slice(rangeOf(plan, part.number));
      const signed = await sender.announced({ ...part, url: address.at(part.url) });
      const { status } = await transport.send({ signed, body, signal: ended.signal, onprogress });
      if (status >= 200 && status < 300) answeredAt ??= clock.now();
    } catch {
      // It was aborted, by its answer or without one.
    } finally {
      end();
      signal.removeEventListener("abort", end);
      await isLate;
    }
    return answeredAt === null ? null : answeredAt - startedAt;
  }
}
