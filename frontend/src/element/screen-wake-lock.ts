// Keeps the screen, and with it the device, awake while uploads are active.
// Where the browser has no wake lock, or refuses it, nothing happens.

export class ScreenWakeLock {
  #wanted = false;
  #lock: WakeLockSentinel | null = null;
  #pending: Promise<void> = Promise.resolve();

  /** The browser releases the lock when the page is hidden. Call this when the page is visible again. */
  readonly renew = () => this.set(this.#wanted);

  /** Requests or releases the lock. Calls are carried out one after another. */
  set(wanted: boolean): void {
    this.#wanted = wanted;
    this.#pending = this.#pending.then(() => this.#apply()).catch(() => {});
  }

  async #apply(): Promise<void> {
    const held = this.#lock !== null && !this.#lock.released;
    if (this.#wanted === held || document.visibilityState !== "visible") return;
    if (this.#wanted) this.#lock = (await navigator.wakeLock?.request("screen")) ?? null;
    else await this.#lock?.release();
  }
}
