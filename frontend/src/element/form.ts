// What a form knows of <oss-uploader>: the ids that it posts, and why it may not be sent yet.
// Its one rule: told by the element, it asks nothing back.

import type { Speech } from "./language.ts";

export interface FormState {
  /** Under which the ids are posted; "": none are. */
  readonly name: string;
  readonly required: boolean;
  readonly busy: boolean;
  readonly value: readonly string[];
}

export class FormMember {
  constructor(
    readonly internals: ElementInternals,
    readonly speech: Speech,
    /** Beside what the browser says why. */
    readonly anchor: HTMLElement,
  ) {}

  tell({ name, required, busy, value }: FormState): void {
    const form = new FormData();
    for (const id of value) form.append(name, id);
    this.internals.setFormValue(name && value.length ? form : null);
    if (busy) this.#refuse({ customError: true }, "busy");
    else if (required && value.length === 0) this.#refuse({ valueMissing: true }, "missing");
    else this.internals.setValidity({});
  }

  #refuse(flags: ValidityStateFlags, why: "busy" | "missing"): void {
    this.internals.setValidity(flags, this.speech.label(why), this.anchor);
  }
}
