// Senders of parts to one of several addresses: the sender of every upload, with ports of the address.

import type { Address, Attempt } from "./address.ts";
import type { Sender, SenderPorts } from "./sender.ts";
import type { FreshPart } from "./signer.ts";

export interface AddressSenderPorts extends SenderPorts {
  /** Sends to the first address alone. */
  readonly sender: Sender;
  /** There is a URL of a part that goes to this address. */
  onsigned(address: Address): void;
  /** OSS refused the signature at this address. Throws AddressFailed when the part shall go elsewhere. */
  onrefused(address: Address): void;
  /** A request to this address stalled. */
  onstallAt(address: Address): void;
  /** A request had no answer. Throws AddressFailed when the part shall go elsewhere. */
  onunanswered(address: Address): void;
}

export class AddressSenders {
  /** Presigned parts on their way: any address may use them. */
  readonly #signed = new Map<number, FreshPart>();

  constructor(readonly ports: AddressSenderPorts) {}

  /** One whose URL is still valid. */
  get anyPart(): FreshPart | undefined {
    return [...this.#signed.values()].find((part) => this.ports.signer.isFresh(part));
  }

  forget(number: number): void {
    this.#signed.delete(number);
  }

  /** The sender for one part. `isSecond`: the progress of another attempt is shown. */
  senderOf(attempt: Attempt, isSecond: boolean): Sender {
    const { ports } = this;
    const { meter } = ports;
    const { address } = attempt;
    const silent = { advance() {}, drop() {}, finish: meter.finish.bind(meter) };
    return ports.sender.with({
      ...ports,
      requests: address.requests,
      meter: isSecond ? silent : meter,
      signer: this.#signerOf(address),
      breaker: this.#breakerOf(address),
      transport: this.#transportOf(attempt),
      onstall: () => ports.onstallAt(address),
    });
  }

  #transportOf(attempt: Attempt): SenderPorts["transport"] {
    const { clock, transport } = this.ports;
    return {
      send: async (request) => {
        Object.assign(attempt, { startedAt: clock.now(), loaded: 0 });
        const onprogress = (loaded: number) => {
          attempt.address.recordProgress(attempt, Math.min(loaded, request.body.size), clock.now());
          request.onprogress(loaded);
        };
        const response = await transport.send({ ...request, onprogress });
        if (response.status === 200) attempt.onstored?.();
        return response;
      },
    };
  }

  #signerOf(address: Address): SenderPorts["signer"] {
    const { signer, onsigned, onrefused } = this.ports;
    return {
      isFresh: (part) => signer.isFresh(part),
      refuse: (part) => {
        onrefused(address);
        this.#signed.clear();
        signer.refuse(part);
      },
      take: async (number, size, own) => {
        const known = this.#signed.get(number);
        const isUsable = known && signer.isFresh(known) && (known.size ?? size) === size;
        const part = isUsable ? known : await signer.take(number, size, own);
        this.#signed.set(number, part);
        onsigned(address);
        return { ...part, url: address.at(part.url) };
      },
    };
  }

  #breakerOf(address: Address): SenderPorts["breaker"] {
    const { breaker, onunanswered } = this.ports;
    return {
      get isOpen() {
        return breaker.isOpen;
      },
      acquire: (signal) => breaker.acquire(signal),
      recordResponse: () => {
        address.failures = 0;
        breaker.recordResponse();
      },
      recordBusy: (error) => breaker.recordBusy(error),
      recordStall: () => {
        onunanswered(address);
        breaker.recordStall();
      },
      recordNoResponse: async (request, startedAt, signal) => {
        onunanswered(address);
        await breaker.recordNoResponse(request, startedAt, signal);
      },
    };
  }
}
