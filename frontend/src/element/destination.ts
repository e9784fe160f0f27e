// What the element knows of its destination: the limits, and whether completed uploads have links.
// Asked once, when the element is connected. A backend that does not answer still enforces every limit.

import type { Allowance } from "../engine/allowance.ts";
import { importLate } from "../engine/late.ts";
import type { OssUploader } from "../engine/uploader.ts";
import type { DropZone } from "./drop-zone.ts";
import type { LinkOf } from "./item.ts";
import type { Limits } from "./limits.ts";
import type { Localization } from "./localization.ts";

export class DestinationInfo {
  #uploader: OssUploader | null = null;
  #allowance: Allowance | null = null;
  #limits: Limits | null = null;

  constructor(
    readonly localization: Localization,
    readonly zone: DropZone,
  ) {
    localization.addEventListener("change", () => this.#show());
  }

  /** Null where any file is accepted. */
  get limits(): Limits | null {
    return this.#limits;
  }

  readonly link: LinkOf = () => {
    const uploader = this.#uploader;
    return uploader && this.#allowance?.downloads
      ? (id, inline) => uploader.downloadLink(id, { inline })
      : null;
  };

  async load(uploader: OssUploader): Promise<void> {
    this.#uploader = uploader;
    const allowance = await uploader.allowance().catch(() => null);
    if (uploader !== this.#uploader) return; // The attributes have changed meanwhile.
    this.#allowance = allowance;
    const Limits =
      allowance &&
      isLimited(allowance) &&
      (await importLate(() => import("./limits.ts"), "Limits").catch(() => null));
    if (uploader !== this.#uploader) return;
    this.#limits = Limits && allowance ? new Limits(allowance, this.localization, uploader) : null;
    this.#show();
  }

  #show(): void {
    this.zone.types = this.#limits?.types ?? [];
    this.zone.limits = this.#limits?.text ?? "";
  }
}

function isLimited({ max_size, content_types, uploads_left, bytes_left }: Allowance): boolean {
  return content_types.length > 0 || [max_size, uploads_left, bytes_left].some((limit) => limit !== null);
}
