// Checkpoints that no other call carries.

import type { Transfer } from "./transfer.ts";

/** Milliseconds until the first checkpoint that no other call carries, and the longest gap; each gap doubles. */
const FIRST_CHECKPOINT = 15_000;
const MAX_CHECKPOINT_GAP = 120_000;
/** With STS no other call carries checkpoints, and they serve only the list of uploads. */
const FIRST_CHECKPOINT_STS = 60_000;

/** On a slow connection few sign calls carry checkpoints. Ends, by an exception, when `ended` aborts. */
export async function sendCheckpoints(transfer: Transfer, ended: AbortSignal): Promise<never> {
  const { api, signing } = transfer.ports;
  const { clock } = api.environment;
  let gap = signing === "sts" ? FIRST_CHECKPOINT_STS : FIRST_CHECKPOINT;
  for (;;) {
    await clock.sleep(Math.max(1000, transfer.reportedAt + gap - clock.now()), ended);
    if (clock.now() - transfer.reportedAt < gap || transfer.ledger.unreported().length === 0) continue;
    await transfer.checkpoint(ended).catch(() => {}); // The next call carries it.
    gap = Math.min(MAX_CHECKPOINT_GAP, gap * 2);
  }
}
