// How the parts of one upload are checked, as its option `integrity` demands.
// The checks run beside the upload; `verify` waits for them.

import { FileError } from "./errors.ts";
import { type Integrity, IntegrityChecker, type Verification } from "./integrity.ts";
import { importLate } from "./late.ts";
import type { Ledger } from "./ledger.ts";
import { type DonePart, rangeOf } from "./parts.ts";
import type { Environment } from "./ports.ts";
import { abortable } from "./promises.ts";
import type { Arrival } from "./sender.ts";
import type { Source } from "./source.ts";
import type { VersionProof } from "./version-proof.ts";

export interface PartCheckPorts {
  readonly environment: Environment;
  readonly integrity: Integrity;
  readonly source: Source;
  readonly ledger: Ledger;
  /** Loads a chunk of our code. */
  load<T>(load: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export class PartChecks {
  readonly #checker: IntegrityChecker;
  /** Null: not needed, or not known yet. */
  #proof: VersionProof | null = null;
  #loading: Promise<void> = Promise.resolve();
  /** Known before all parts are sent: the rest need not be sent. */
  #changed: FileError | null = null;

  constructor(readonly ports: PartCheckPorts) {
    const { environment, source, ledger } = ports;
    this.#checker = new IntegrityChecker(environment.hasher, source, ledger.plan);
  }

  /** With "md5" OSS compares; CRC64 is computed only where the version must be proved. */
  get #usesCrc64(): boolean {
    return this.ports.integrity === "crc64" || this.#proof !== null;
  }

  crc64(number: number): Promise<string> {
    return this.#checker.crc64(number);
  }

  md5(number: number): Promise<string> {
    return this.#checker.md5(number);
  }

  /** Called when parts are about to be sent. */
  start(signal: AbortSignal): void {
    this.#loading = this.#startProof(signal);
    this.#loading.catch(() => {}); // `verify` reports it.
  }

  async #startProof(signal: AbortSignal): Promise<void> {
    const { environment, integrity, source, ledger, load } = this.ports;
    // A file in one request is hashed before it is signed, which proves as much.
    if (integrity === "none" || source.isStream || ledger.plan.partCount === 1) return;
    if (!this.#proof) {
      if (environment.noticesChanges?.(source.blob)) return;
      const VersionProof = await load(
        () => importLate(() => import("./version-proof.ts"), "VersionProof"),
        signal,
      );
      this.#proof ??= new VersionProof(this.#checker, () => ledger.waiting);
    }
    this.#proof.start(signal).catch(this.#noteChange);
  }

  /** Sends a part by `send`, and checks it. Null when `send` has put it back. */
  async around(number: number, send: () => Promise<Arrival | null>): Promise<Arrival | null> {
    const { source, ledger } = this.ports;
    if (this.#changed) throw this.#changed;
    const proof = this.#proof?.isFixed ? this.#proof : null;
    if (this.#usesCrc64) this.#checker.start(number);
    // Not while it is signed, which holds a connection.
    if (this.ports.integrity === "crc64" && ledger.plan.partCount === 1) await this.#checker.crc64(number);
    const arrival = await send();
    if (!arrival) return null;
    if (!this.#usesCrc64) source.release(rangeOf(ledger.plan, number));
    else {
      const same = this.#checker.compare(arrival.part);
      same
        .then((isSame) => (isSame ? proof?.prove(number) : this.#checker.assertSame(number)))
        .catch(this.#noteChange);
    }
    return arrival;
  }

  /** `verify` reports other errors. */
  readonly #noteChange = (error: unknown) => {
    if (error instanceof FileError) this.#changed = error;
  };

  /** Compares parts that OSS lists with the file. With "md5" OSS has checked them, and a stream no longer has their bytes. */
  compareHeld(held: readonly DonePart[]): void {
    const { integrity, source } = this.ports;
    if (integrity === "crc64" || (integrity === "md5" && !source.isStream)) this.#checker.compareHeld(held);
  }

  /**
   * Resolves when all parts have been compared, and are known to be of one version of the file. `inspect` asks OSS for its
   * parts. Rejects with FileError when the file has changed.
   */
  async verify(signal: AbortSignal, inspect: () => Promise<void>): Promise<Verification> {
    await abortable(this.#loading, signal);
    // Of parts that were sent with an MD5 alone, only OSS's list has the CRC64.
    if (this.#proof && this.ports.integrity === "md5") await inspect();
    const verification = await abortable(this.#checker.verify(), signal);
    await this.#proof?.finish(signal);
    return verification;
  }

  /** Forgets damaged parts, which will be sent and compared again. */
  forget(damaged: readonly number[]): void {
    this.#checker.forget(damaged);
  }
}
