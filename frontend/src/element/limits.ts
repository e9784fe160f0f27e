// Says what a destination accepts, and refuses other files before anything is sent.
// Loaded where the destination has limits. The backend checks each of them again.

import type { Allowance } from "../engine/allowance.ts";
import type { OssUploader } from "../engine/uploader.ts";
import { withoutDirections } from "./dom.ts";
import type { ChosenFile } from "./files.ts";
import type { LabelName } from "./labels.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";

/** Refusals that are listed one by one. */
const MAX_LISTED = 5;
/** What the `accept` of a file input may contain; other patterns cannot be expressed there. */
const HTML_TYPE = /^((audio|image|video)\/\*|[\w.+-]+\/[\w.+-]+)$/;
const GROUPS: Readonly<Record<string, LabelName>> = {
  image: "images",
  video: "videos",
  audio: "sounds",
  text: "texts",
};

export interface Admission {
  readonly files: readonly ChosenFile[];
  /** Why the others are refused, in sentences. */
  readonly refusals: readonly string[];
}

export class Limits {
  readonly #types: readonly RegExp[];

  constructor(
    private allowance: Allowance,
    readonly localization: Localization,
    readonly uploader: Pick<OssUploader, "allowance">,
  ) {
    addLateLabels();
    this.#types = allowance.content_types.map(patternOf);
  }

  /** For the file dialog; empty where it cannot express all of them. */
  get types(): readonly string[] {
    const { content_types } = this.allowance;
    return content_types.every((type) => HTML_TYPE.test(type)) ? content_types : [];
  }

  /** The limits in one line. */
  get text(): string {
    const { max_size, content_types, bytes_left } = this.allowance;
    const { formats } = this.localization;
    const limits = [
      content_types.length > 0 && this.#label("limit_types", { types: this.#typeNames }),
      max_size !== null && this.#label("limit_size", { size: formats.limit(max_size) }),
      bytes_left !== null && this.#label("limit_left", { size: formats.limit(bytes_left) }),
    ];
    return this.#label("limited", { limits: limits.filter(Boolean).join(" ").replaceAll("。 ", "。") });
  }

  /**
   * Sorts out what the destination refuses. Asks anew what is left of a quota: other uploads have used some of it. Files of
   * a folder are not counted against it here, since some may have been uploaded before the folder was interrupted.
   */
  async admit(chosen: readonly ChosenFile[]): Promise<Admission> {
    await this.#renew();
    const isFull = this.allowance.uploads_left === 0;
    let left = this.allowance.bytes_left ?? Number.POSITIVE_INFINITY;
    const files: ChosenFile[] = [];
    const refused: [ChosenFile, number | null][] = [];
    for (const one of chosen) {
      const inFolder = one.path.includes("/");
      const { size } = one.file;
      const most = this.#mostOf(one.file, inFolder ? Number.POSITIVE_INFINITY : left);
      if (most === null || size > most) refused.push([one, most]);
      else if (inFolder || !isFull) files.push(one);
      if (files.at(-1) === one && !inFolder) left -= size;
    }
    const isRefused = files.length + refused.length < chosen.length;
    const full = isRefused ? [this.#label("refused_count")] : [];
    return { files, refusals: [...this.#sentences(refused), ...full] };
  }

  async #renew(): Promise<void> {
    if (this.allowance.uploads_left === null && this.allowance.bytes_left === null) return;
    this.allowance = await this.uploader.allowance().catch(() => this.allowance);
  }

  /** Bytes that the file may have; null for a type that is refused. */
  #mostOf({ type }: File, left: number): number | null {
    const bare = (type || "application/octet-stream").split(";", 1)[0]?.trim() ?? "";
    if (this.#types.length > 0 && !this.#types.some((pattern) => pattern.test(bare))) return null;
    return Math.min(this.allowance.max_size ?? Number.POSITIVE_INFINITY, left);
  }

  #refusal({ file, path }: ChosenFile, most: number | null): string {
    const { max_size } = this.allowance;
    const { formats } = this.localization;
    const name = withoutDirections(path);
    if (most === null) return this.#label("refused_type", { name, types: this.#typeNames });
    const size = formats.limit(file.size);
    const label = most === max_size ? "refused_size" : "refused_left";
    const limit = formats.limit(most);
    // Sizes that look the same are written in bytes.
    const format = limit === size ? exactly(formats.locale) : (count: number) => formats.limit(count);
    return this.#label(label, { name, size: format(file.size), most: format(most) });
  }

  #sentences(refused: readonly [ChosenFile, number | null][]): string[] {
    const sentences = refused.slice(0, MAX_LISTED).map(([one, most]) => this.#refusal(one, most));
    const more = refused.length - MAX_LISTED;
    return more > 0 ? [...sentences, this.#label("refused_more", { count: more })] : sentences;
  }

  /** “videos, PDF”. */
  get #typeNames(): string {
    const names = this.allowance.content_types.map((type) => {
      const [group = "", subtype = ""] = type.split("/");
      const label = GROUPS[group];
      if (subtype === "*") return label ? this.#label(label) : type;
      return /^[a-z0-9]{1,5}$/.test(subtype) ? subtype.toUpperCase() : type;
    });
    const { locale } = this.localization.formats;
    return new Intl.ListFormat(locale, { type: "disjunction" }).format(names);
  }

  #label(name: LabelName, facts: Readonly<Record<string, string | number>> = {}): string {
    return this.localization.label(name, facts);
  }
}

/** As Python's fnmatch, without sets of characters: what has one is left to the backend. */
function patternOf(pattern: string): RegExp {
  if (pattern.includes("[")) return /^/;
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i");
}

/** Formats a count of bytes as “1,234,567 bytes”. */
function exactly(locale: string): (count: number) => string {
  const format = new Intl.NumberFormat(locale, { style: "unit", unit: "byte", unitDisplay: "long" });
  return (count) => format.format(count);
}
