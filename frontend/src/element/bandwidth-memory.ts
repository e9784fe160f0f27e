// The user's limit of the bandwidth, as this browser remembers it for all pages of the origin.

/** The key in localStorage. */
export const BANDWIDTH_KEY = "oss-uploads-bandwidth";

/** Bits a second; undefined where there is none, or no storage. */
export function rememberedBandwidth(): number | undefined {
  try {
    const limit = Number(localStorage.getItem(BANDWIDTH_KEY));
    return limit > 0 && limit < Number.POSITIVE_INFINITY ? limit : undefined;
  } catch {
    return undefined; // Storage is forbidden.
  }
}
