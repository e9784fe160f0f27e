// Loads the code for several addresses of one bucket, where an upload has them.

import type { AddressRouter } from "./addresses.ts";
import type { Sender } from "./sender.ts";
import type { Transfer } from "./transfer.ts";

/** Null where the first address alone serves: for a small file, a stream, with STS, and while the code cannot be loaded. */
export async function loadRouter(
  { remote, ports, ledger, pace }: Pick<Transfer, "remote" | "ports" | "ledger" | "pace">,
  sender: Sender,
): Promise<AddressRouter | null> {
  if (!pace || !remote.addresses?.[1] || ports.signing === "sts" || ports.source.isStream) return null;
  const code = await import("./addresses.ts").catch(() => null);
  return code && new code.AddressRouter({ remote, ports, ledger }, sender, pace);
}
