// Which files are under way at once.
// Its one rule: first come, first served; a file that pauses or fails gives up its place.

export interface Ticket {
  begin(): void;
}

export class Queue {
  #waiting: Ticket[] = [];
  #active = new Set<Ticket>();

  constructor(readonly places: number) {}

  enter(ticket: Ticket): void {
    this.#waiting.push(ticket);
    this.#admit();
  }

  leave(ticket: Ticket): void {
    this.#waiting = this.#waiting.filter((other) => other !== ticket);
    this.#active.delete(ticket);
    this.#admit();
  }

  #admit(): void {
    while (this.#active.size < this.places) {
      const ticket = this.#waiting.shift();
      if (!ticket) return;
      this.#active.add(ticket);
      ticket.begin();
    }
  }
}
