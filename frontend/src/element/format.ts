// Numbers as people read them.
// Its one rule: pure, and never more precise than is steady on a screen.

import type { Facts } from "../engine/sentences.ts";

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  // Compared as it will be rounded, so that 999,999 bytes are not “1000 KB”.
  while (Math.round(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export function percent(ratio: number): string {
  // Rounded down: 100 % is said of what is whole, not of what nearly is.
  return `${Math.floor(ratio * 100)} %`;
}

/** Which label says so many seconds, and what fills it. */
export function duration(seconds: number): ["seconds" | "minutes" | "hours" | "days", Facts] {
  if (Math.round(seconds) < 60) return ["seconds", { n: Math.max(1, Math.round(seconds)) }];
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return ["minutes", { n: minutes }];
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? ["hours", { h: hours, m: minutes % 60 }] : ["days", { n: Math.round(hours / 24) }];
}

export function when(iso: string, language?: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}
