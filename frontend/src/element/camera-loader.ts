// Loads the camera's code when it is first needed: a page that records nothing does not load it.

import { NetworkError } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import type { Camera, CameraPorts } from "./camera.ts";

export class CameraLoader {
  #camera: Promise<Camera> | null = null;

  constructor(
    readonly ports: CameraPorts,
    /** The shadow tree that receives the dialog. */
    readonly root: ShadowRoot,
  ) {}

  /** Opens the dialog. Rejects with NetworkError when the code cannot be loaded; the next call tries again. */
  async open(): Promise<void> {
    this.#camera ??= importLate(() => import("./camera.ts"), "Camera").then((Camera) => {
      const camera = new Camera(this.ports);
      camera.appendTo(this.root);
      return camera;
    });
    try {
      await (await this.#camera).open();
    } catch (cause) {
      this.#camera = null;
      throw new NetworkError("code_unreachable", { cause });
    }
  }

  close(): void {
    void this.#camera?.then((camera) => camera.close());
  }
}

/** Whether the browser can record. Without https it cannot. */
export function canRecord(): boolean {
  return "MediaRecorder" in globalThis && navigator.mediaDevices !== undefined;
}
