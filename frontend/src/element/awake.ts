// Keeps the screen, and with it the machine, awake while something is under way.
// Its one rule: a courtesy: where the browser has no such lock, or refuses it, nothing is said.

export class Awake {
  #wanted = false;
  #lock: WakeLockSentinel | null = null;
  #turn: Promise<void> = Promise.resolve();

  /** The browser lets the lock go when the page is hidden; `again` is for when it is seen once more. */
  readonly again = () => this.keep(this.#wanted);

  keep(wanted: boolean): void {
    this.#wanted = wanted;
    this.#turn = this.#turn.then(() => this.#settle()).catch(() => {});
  }

  async #settle(): Promise<void> {
    const held = this.#lock !== null && !this.#lock.released;
    if (this.#wanted === held || document.visibilityState !== "visible") return;
    if (this.#wanted) this.#lock = (await navigator.wakeLock?.request("screen")) ?? null;
    else await this.#lock?.release();
  }
}
