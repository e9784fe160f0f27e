// Many small questions in one call.
// Its one rule: whoever asks gets an answer of their own; one that is refused does not spoil the others. One call at a
// time: while it is under way the next one fills.

import type { Clock } from "./ports.ts";

interface Asked<Question, Answer> {
  readonly question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export class Batch<Question, Answer> {
  #waiting: Asked<Question, Answer>[] = [];
  #running = false;
  #full = new AbortController();

  constructor(
    readonly clock: Clock,
    readonly most: number,
    /** Milliseconds that the first waits for company. */
    readonly company: number,
    /** As many answers as questions, in their order; an Error is the answer of who gets none. */
    readonly send: (questions: readonly Question[]) => Promise<readonly (Answer | Error)[]>,
  ) {}

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (this.#waiting.length >= this.most) this.#full.abort();
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#waiting.length) {
        await this.#company();
        await this.#answer(this.#waiting.splice(0, this.most));
      }
    } finally {
      this.#running = false;
    }
  }

  /** Until there are enough, or the first has waited. */
  async #company(): Promise<void> {
    if (this.#waiting.length >= this.most) return;
    this.#full = new AbortController();
    await this.clock.sleep(this.company, this.#full.signal).catch(() => {});
  }

  async #answer(asked: readonly Asked<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.send(asked.map(({ question }) => question));
      for (const [index, { resolve, reject }] of asked.entries()) {
        const answer = answers[index];
        if (answer === undefined) reject(new Error("The server left an answer out."));
        else if (answer instanceof Error) reject(answer);
        else resolve(answer);
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
