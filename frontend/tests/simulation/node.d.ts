// The few functions of Node that the runner uses; the rest of the front end knows only what browsers have.

declare module "node:child_process" {
  interface Child {
    stdin: { end(text: string): void };
    stdout: { on(event: "data", listener: (data: unknown) => void): void };
    stderr: { on(event: "data", listener: (data: unknown) => void): void };
    on(event: "close", listener: (code: number | null) => void): void;
    kill(signal?: string): void;
  }
  export function spawn(command: string, args: readonly string[]): Child;
}

declare module "node:fs/promises" {
  export function readFile(path: string, encoding: "utf8"): Promise<string>;
}
