// Loads the code for several addresses of one bucket, where an upload has them.

import type { AddressRouter } from "./addresses.ts";
import type { ConcurrencyController } from "./concurrency.ts";
import type { Sender } from "./sender.ts";
import type { Transfer } from "./transfer.ts";

/** Null where the first address alone serves: for a stream, with STS, and while the code cannot be loaded. */
export async function loadRouter(
  transfer: Pick<Transfer, "remote" | "ports" | "ledger">,
  sender: Sender,
  concurrency: ConcurrencyController,
): Promise<AddressRouter | null> {
  const { remote, ports } = transfer;
  if (!remote.addresses?.[1] || ports.signing === "sts" || ports.source.isStream) return null;
  const code = await import("./addresses.ts").catch(() => null);
  return code && new code.AddressRouter(transfer, sender, concurrency);
}
