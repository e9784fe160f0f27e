// One run of a plan: the engine and the models under one scheduler, then everything heals and the user finishes.

import { ModelBackend } from "./backend.ts";
import { Oracle, type Totals, Violation } from "./oracle.ts";
import { ModelOss } from "./oss.ts";
import { Faults, type Plan } from "./plan.ts";
import { Scheduler, settle } from "./scheduler.ts";
import { Device } from "./tab.ts";
import { User } from "./user.ts";

/** Events with faults, and events until everything must have ended; a run takes a few hundred. */
const MAX_FAULTY_STEPS = 1500;
const MAX_STEPS = 20_000;
/** Milliseconds that an upload may take after a press, once everything works. */
const MAX_TIME = 3_600_000;
/** How often the user presses retry. */
const MAX_PRESSES = 12;

export interface Outcome {
  readonly steps: number;
  readonly totals: Totals;
  readonly injected: ReadonlyMap<string, number>;
  readonly states: readonly string[];
}

/** Set while a run is under way: rejections that nobody handles are violations. */
export let current: Oracle | null = null;

/** Runs the plan. Rejects with Violation. */
export async function run(plan: Plan): Promise<Outcome> {
  return new Simulation(plan).run();
}

class Simulation {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly oracle: Oracle;
  readonly backend: ModelBackend;
  readonly device: Device;
  readonly user: User;

  constructor(readonly plan: Plan) {
    this.scheduler = new Scheduler(plan.seed);
    this.faults = new Faults(plan.faults);
    this.oracle = new Oracle(plan, this.faults);
    const oss = new ModelOss(this.scheduler, plan, this.faults, this.oracle);
    this.backend = new ModelBackend(oss, plan);
    Object.assign(this.oracle, { oss, backend: this.backend });
    current = this.oracle;
    this.device = new Device(this.scheduler, plan, this.faults, oss, this.backend);
    this.user = new User(this.device, this.oracle, plan.files);
  }

  async run(): Promise<Outcome> {
    try {
      await settle();
      await this.#withFaults();
      await this.#untilFinished();
      await this.#toTheLastEvent();
      this.backend.sweep();
      this.oracle.checkEnd(this.user.wishes);
      this.#check();
    } finally {
      for (const tab of this.device.tabs) if (tab.isAlive) tab.kill();
      await settle();
    }
    const { totals } = this.oracle;
    const states = this.user.wishes.map(({ upload }) => upload?.error?.code ?? upload?.state ?? "left");
    return { steps: this.scheduler.steps, totals, injected: this.faults.injected, states };
  }

  #check(): void {
    if (this.oracle.violation) throw this.oracle.violation;
  }

  async #step(): Promise<boolean> {
    const ran = await this.scheduler.step();
    this.#check();
    if (this.scheduler.steps > MAX_STEPS) this.#stuck("does not come to an end");
    return ran;
  }

  /** All uploads wait for somebody to press something. */
  get #isSettled(): boolean {
    return this.user.wishes.every((wish) => wish.isSettled);
  }

  async #withFaults(): Promise<void> {
    for (const action of this.plan.actions) {
      for (let left = action.after; left > 0 && (await this.#step()); left--);
      this.faults.count(`action ${action.kind}`);
      this.user.act(action);
      await settle();
      this.#check();
    }
    while (!this.#isSettled && this.scheduler.steps < MAX_FAULTY_STEPS && (await this.#step()));
  }

  async #untilFinished(): Promise<void> {
    this.faults.active = false;
    this.device.storageWorks = true;
    this.device.goOnline();
    for (let presses = 0; ; presses++) {
      await settle();
      const pressedAt = this.scheduler.now;
      while (!this.#isSettled) {
        if (!(await this.#step())) this.#stuck("waits for nothing");
        if (this.scheduler.now > pressedAt + MAX_TIME) this.#stuck("takes more than an hour");
      }
      if (!this.user.finish()) return;
      if (presses > MAX_PRESSES) this.#stuck("fails again and again");
    }
  }

  /** What is on its way arrives; then no page may still be waiting for anything. */
  async #toTheLastEvent(): Promise<void> {
    while (await this.#step());
    this.oracle.checkJournal(this.user.wishes, this.device);
  }

  #stuck(how: string): never {
    const states = this.user.wishes.map(({ upload, errors }) => `${upload?.state}; ${errors}`);
    throw new Violation(`stuck: an upload ${how} (${states.join(", ")})`);
  }
}
