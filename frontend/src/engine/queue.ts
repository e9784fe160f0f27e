// Which files are under way at once.
// Its one rule: first come, first served; a file that pauses or fails gives up its place.

export interface Ticket {
  /** The share of a place that it takes: a hundred small files are as much work as two large ones. */
  readonly weight: number;
  begin(): void;
}

/** Fractions do not add up exactly. */
const CRUMB = 1e-6;

export class Queue {
  #waiting = new Set<Ticket>();
  #active = new Set<Ticket>();
  #taken = 0;

  constructor(readonly places: number) {}

  enter(ticket: Ticket): void {
    this.#waiting.add(ticket);
    this.#admit();
  }

  leave(ticket: Ticket): void {
    this.#waiting.delete(ticket);
    if (this.#active.delete(ticket)) this.#taken -= ticket.weight;
    this.#admit();
  }

  #admit(): void {
    for (const ticket of this.#waiting) {
      if (this.#taken + ticket.weight > this.places + CRUMB) return;
      this.#waiting.delete(ticket);
      this.#active.add(ticket);
      this.#taken += ticket.weight;
      ticket.begin();
    }
  }
}
