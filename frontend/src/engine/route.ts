// Loads the code for several addresses of one bucket, where an upload has them.

import { importLate } from "./late.ts";
import type { Arrival, Sender } from "./sender.ts";
import type { Transfer } from "./transfer.ts";

/** Sends the parts of an upload, each to one of its addresses. */
export interface Router {
  /** Parts that may be given to `send` at once. */
  readonly level: number;
  /** As `Sender.send`. Null when the part was put back. */
  send(number: number, signal: AbortSignal): Promise<Arrival | null>;
  /** Runs while parts are sent. */
  watch(signal: AbortSignal): Promise<void>;
}

/** Null where the first address alone serves: for a stream, with STS, and while the code cannot be loaded. */
export async function loadRouter(
  { remote, ports, ledger, pace }: Pick<Transfer, "remote" | "ports" | "ledger" | "pace">,
  sender: Sender,
): Promise<Router | null> {
  if (!remote.addresses?.[1] || ports.signing === "sts" || ports.source.isStream) return null;
  const load = () => import("./addresses.ts");
  if (remote.method !== "multipart") {
    const Failover = await importLate(load, "Failover").catch(() => null);
    return Failover && new Failover({ remote, ports }, sender, pace);
  }
  const AddressRouter = pace && (await importLate(load, "AddressRouter").catch(() => null));
  return AddressRouter && new AddressRouter({ remote, ports, ledger }, sender, pace);
}
