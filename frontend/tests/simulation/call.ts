// Calls of the backend on their way through the network, with its faults.

import type { Call } from "./backend.ts";
import type { CallFault, Target } from "./plan.ts";
import { type Answer, problem } from "./rows.ts";
import type { Tab } from "./tab.ts";

const OPERATIONS: Readonly<Record<string, Target>> = {
  "POST ": "create",
  "GET ": "list",
  "POST batch": "createMany",
  "POST batch/complete": "completeMany",
  "GET parts": "parts",
  "POST parts": "checkpoint",
  "POST parts/sign": "sign",
  "POST credentials": "credentials",
  "POST complete": "complete",
  "POST diagnose": "diagnose",
};

export function callOf(input: string, { method = "GET", body, headers }: RequestInit): Call {
  const [path = "", query = ""] = input.replace("/api/uploads/", "").split("?");
  const [id = "", ...rest] = path.split("/").filter(Boolean);
  const inBatch = id === "batch";
  const operation = inBatch ? path.slice(0, -1) : rest.join("/");
  const own = method === "DELETE" ? "abort" : "get";
  const target = (id && !operation ? own : OPERATIONS[`${method} ${operation}`]) ?? "get";
  return {
    target,
    id,
    query: new URLSearchParams(query),
    body: typeof body === "string" ? JSON.parse(body) : undefined,
    idempotencyKey: (headers as Record<string, string>)["Idempotency-Key"] ?? "",
  };
}

const ERRORS: Partial<Record<CallFault, Answer>> = {
  serverError: problem(500, ""),
  busy: { ...problem(429, "throttled"), retryAfter: 2 },
  loggedOut: problem(403, "not_authenticated"),
};

/** One call of the backend on its way. */
export class BackendCall {
  #cancel: () => void = () => {};
  #isCarriedOut = false;
  readonly #fault: CallFault | undefined;

  constructor(
    readonly tab: Tab,
    readonly call: Call,
    readonly resolve: (response: Response) => void,
    readonly reject: (error: unknown) => void,
  ) {
    this.#fault = tab.device.faults.next(call.target) as CallFault | undefined;
  }

  start(signal: AbortSignal | null | undefined): void {
    signal?.addEventListener("abort", () => {
      this.#cancel();
      const { scheduler } = this.tab.device;
      if (!this.#isCarriedOut && scheduler.random() < 0.5) scheduler.after(5, () => this.#carryOut());
      this.reject(signal.reason);
    });
    this.#later(() => this.#arrive());
  }

  #later(run: () => void): void {
    const { scheduler } = this.tab.device;
    const isSlow = this.#fault === "slow";
    this.#cancel = this.tab.after(isSlow ? scheduler.between(8_000, 25_000) : scheduler.between(1, 40), run);
  }

  #arrive(): void {
    const fault = this.#fault;
    const error = fault && ERRORS[fault];
    if (!this.tab.isOnline) this.tab.device.oss.oracle.calledOffline(this.tab, this.call);
    if (!this.tab.isOnline || fault === "resetBefore") this.#lose();
    else if (error) this.#later(() => this.#deliver(error));
    else if (fault !== "stallBefore") this.#succeed();
  }

  #succeed(): void {
    const fault = this.#fault;
    const answer = this.#carryOut();
    if (fault === "stallAfter") return;
    this.#later(() => {
      if (!this.tab.isOnline || fault === "lostAnswer") this.#lose();
      else this.#deliver(fault === "errorAfter" ? problem(502, "") : answer);
    });
  }

  #carryOut(): Answer {
    this.#isCarriedOut = true;
    const answer = this.tab.device.backend.answer(this.call, this.#fault);
    return JSON.parse(JSON.stringify(answer));
  }

  #lose(): void {
    this.reject(new TypeError("Failed to fetch"));
  }

  #deliver(answer: Answer): void {
    this.tab.device.oss.oracle.answered(this.tab, this.call, answer);
    const isBroken = this.#fault === "brokenAnswer";
    const { status, body, retryAfter = null } = answer;
    const response = {
      ok: status < 300,
      status,
      headers: { get: (name: string) => (name === "retry-after" ? retryAfter?.toString() : null) ?? null },
      json: async () => {
        if (isBroken) throw new SyntaxError("Unexpected end of JSON input");
        return body;
      },
    };
    this.resolve(response as unknown as Response);
  }
}
