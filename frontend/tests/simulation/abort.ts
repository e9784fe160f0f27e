// AbortController and AbortSignal as the DOM standard describes them, without what makes Node's slow: weak references
// and a stack trace for each abort. Most of a run's time was spent there.

type Listener = (event: unknown) => void;

const DEFAULT_REASON = new Error("This operation was aborted");

export class PlainSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly #listeners = new Set<Listener>();
  readonly #dependents: PlainSignal[] = [];

  static any(signals: readonly PlainSignal[]): PlainSignal {
    const signal = new PlainSignal();
    const first = signals.find(({ aborted }) => aborted);
    if (first) signal.#mark(first.reason);
    else for (const source of signals) source.#dependents.push(signal);
    return signal;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_: "abort", listener: Listener): void {
    if (!this.aborted) this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** Dependent signals are aborted before any listener is called. */
  abort(reason: unknown): void {
    const marked: PlainSignal[] = [];
    const mark = (signal: PlainSignal) => {
      if (!signal.#mark(reason)) return;
      marked.push(signal);
      signal.#dependents.forEach(mark);
    };
    mark(this);
    for (const signal of marked) signal.#notify();
  }

  #mark(reason: unknown): boolean {
    if (this.aborted) return false;
    this.aborted = true;
    this.reason = reason;
    return true;
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener({ type: "abort" });
    }
    this.#listeners.clear();
  }
}

export class PlainController {
  readonly signal = new PlainSignal();

  abort(reason: unknown = DEFAULT_REASON): void {
    this.signal.abort(reason);
  }
}
