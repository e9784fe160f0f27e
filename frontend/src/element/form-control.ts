// The element as a control of a form: the ids that it submits, and why the form may not be submitted yet.
// It receives its state from the element and reads nothing back.

import type { Localization } from "./localization.ts";

export interface FormControlState {
  /** The name under which the ids are submitted; "" submits none. */
  readonly name: string;
  readonly required: boolean;
  /** Whether an upload is waiting or active. */
  readonly busy: boolean;
  /** The ids of the completed uploads. */
  readonly value: readonly string[];
}

export class FormControl {
  constructor(
    readonly internals: ElementInternals,
    readonly localization: Localization,
    /** The browser shows its validation message beside this element. */
    readonly anchor: HTMLElement,
  ) {}

  update({ name, required, busy, value }: FormControlState): void {
    const form = new FormData();
    for (const id of value) form.append(name, id);
    this.internals.setFormValue(name && value.length ? form : null);
    if (busy) this.#invalidate({ customError: true }, "busy");
    else if (required && value.length === 0) this.#invalidate({ valueMissing: true }, "missing");
    else this.internals.setValidity({});
  }

  #invalidate(flags: ValidityStateFlags, label: "busy" | "missing"): void {
    this.internals.setValidity(flags, this.localization.label(label), this.anchor);
  }
}
