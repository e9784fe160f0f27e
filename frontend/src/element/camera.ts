// Records from the camera, into an upload that goes while it is being made.
// Its one rule: nothing is kept here: what the recorder gives goes into the stream at once, and the camera is off when
// the dialog closes, however it closes.

import { reasonOf } from "../engine/errors.ts";
import { button, h, setText, word } from "./dom.ts";
import type { Speech } from "./language.ts";

export interface Recording {
  readonly stream: ReadableStream<Blob>;
  readonly filename: string;
  readonly type: string;
}

export interface CameraPorts {
  readonly speech: Speech;
  /** Begins to upload; what it gives is called when the person throws the recording away. */
  begin(recording: Recording): () => void;
}

/** Milliseconds of film in one piece. */
const PIECE = 500;
const TYPES = ["video/webm;codecs=vp9,opus", "video/webm", "video/mp4"];

export class Camera {
  readonly element = h("dialog", { class: "camera", part: "camera", "data-testid": "camera" });
  readonly #preview = h("video", { part: "preview" });
  readonly #status = h("p", { class: "message", role: "status" });
  readonly #keep = button("record-stop", () => this.close());
  readonly #discard = button("record-discard", () => {
    this.#discarded = true;
    this.close();
  });
  #discarded = false;
  /** Each opening has its own: the browser may ask for permission longer than a dialog is open. */
  #turn = 0;
  #off: (discarded: boolean) => void = () => {};

  constructor(readonly ports: CameraPorts) {
    Object.assign(this.#preview, { muted: true, playsInline: true, autoplay: true });
    const buttons = h("div", { class: "buttons" }, this.#keep, this.#discard);
    this.element.append(this.#preview, this.#status, buttons);
    // Escape leaves open whether the film is wanted. A browser lets nobody say so for ever: then it is kept.
    this.element.addEventListener("cancel", (event) => event.preventDefault());
    this.element.addEventListener("close", () => this.#end());
  }

  async open(): Promise<void> {
    if (this.element.open) return;
    const { speech } = this.ports;
    const turn = ++this.#turn;
    this.element.setAttribute("aria-label", speech.label("record"));
    this.#preview.setAttribute("aria-label", speech.label("record_preview"));
    word(this.#keep, speech.label("record_stop"));
    word(this.#discard, speech.label("record_cancel"));
    setText(this.#status, "");
    this.#keep.hidden = true;
    this.#discarded = false;
    this.element.showModal();
    try {
      const seen = await seeAndHear();
      if (turn !== this.#turn || !this.element.open) return stop(seen);
      this.#record(seen, turn);
    } catch (error) {
      this.#discarded = true;
      this.#end();
      setText(this.#status, speech.label("no_camera", { detail: reasonOf(error) }));
    }
  }

  /** Keeps what was recorded, unless it was thrown away before. */
  close(): void {
    this.element.close();
  }

  #record(seen: MediaStream, turn: number): void {
    this.#off = () => stop(seen);
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? "";
    const recorder = new MediaRecorder(seen, mimeType ? { mimeType } : {});
    const type = (recorder.mimeType || "video/webm").split(";")[0] as string;
    const stream = piecesOf(recorder);
    const discard = this.ports.begin({ stream, filename: nameOf(new Date(), type), type });
    this.#off = (discarded) => {
      if (recorder.state !== "inactive") recorder.stop();
      stop(seen);
      if (discarded) discard();
    };
    recorder.start(PIECE);
    // It may end by itself: the camera was unplugged, say.
    recorder.addEventListener("stop", () => turn === this.#turn && this.close());
    this.#preview.srcObject = seen;
    setText(this.#status, this.ports.speech.label("recording"));
    this.#keep.hidden = false;
    this.#keep.focus();
  }

  #end(): void {
    const off = this.#off;
    this.#off = () => {};
    this.#turn += 1;
    this.#preview.srcObject = null;
    off(this.#discarded);
  }
}

/** A camera without a microphone is a camera. */
async function seeAndHear(): Promise<MediaStream> {
  const { mediaDevices } = navigator;
  return mediaDevices
    .getUserMedia({ video: true, audio: true })
    .catch(() => mediaDevices.getUserMedia({ video: true }));
}

function stop(seen: MediaStream): void {
  for (const track of seen.getTracks()) track.stop();
}

function piecesOf(recorder: MediaRecorder): ReadableStream<Blob> {
  const quiet = () => {
    recorder.ondataavailable = recorder.onstop = recorder.onerror = null;
  };
  return new ReadableStream({
    start(controller) {
      recorder.ondataavailable = ({ data }) => data.size && controller.enqueue(data);
      recorder.onstop = () => controller.close();
      recorder.onerror = () => {
        quiet();
        controller.error(new Error("The recorder stopped by itself."));
      };
    },
    cancel: quiet,
  });
}

function nameOf(date: Date, type: string): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join("");
  return `recording ${day} ${time}.${type.endsWith("mp4") ? "mp4" : "webm"}`;
}
