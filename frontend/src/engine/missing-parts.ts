// What OSS lacks, as the backend says.

import { ApiError } from "./errors.ts";

/** The parts that the backend names as missing in a refusal to complete. */
export function missingParts(error: unknown): number[] {
  if (!(error instanceof ApiError) || error.status !== 409) return [];
  const { parts } = (error.errors ?? {}) as { parts?: unknown };
  return Array.isArray(parts) ? parts.filter((number) => typeof number === "number") : [];
}
