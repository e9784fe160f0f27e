// A dialog that records a video from the camera and uploads it while it is recorded.
// Recorded data goes into the stream at once. The camera is switched off whenever and however the dialog closes.

import { reasonOf } from "../engine/errors.ts";
import { button, h, setLabel, setText } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { createSheet } from "./styles.ts";

export interface Recording {
  readonly stream: ReadableStream<Blob>;
  readonly filename: string;
  /** The media type, `video/webm` for example. */
  readonly type: string;
}

export interface CameraPorts {
  readonly localization: Localization;
  /** Starts the upload and returns a function that aborts it. */
  upload(recording: Recording): () => void;
}

/** Milliseconds of video in one Blob. */
const TIMESLICE = 500;
const TYPES = ["video/webm;codecs=vp9,opus", "video/webm", "video/mp4"];

const CSS = /* css */ `
.camera {
  inline-size: min(40rem, 100% - 2rem);
  padding: 1rem;
  color: inherit;
  background: var(--oss-surface);
  border: 1px solid var(--oss-border);
  border-radius: var(--oss-radius);
}
.camera[open] { display: grid; gap: .75rem; }
.camera::backdrop { background: rgb(0 0 0 / .6); }
.camera video { inline-size: 100%; aspect-ratio: 16 / 9; background: #000; border-radius: 10px; }
`;

export class Camera {
  readonly element = h("dialog", { class: "camera", part: "camera", "data-testid": "camera" });
  readonly #preview = h("video", { part: "preview" });
  readonly #status = h("p", { class: "message", role: "status" });
  readonly #keep = button("record-stop", () => this.close(), "primary");
  readonly #discard = button(
    "record-discard",
    () => {
      this.#discarded = true;
      this.close();
    },
    "quiet danger",
  );
  #discarded = false;
  /** Counts the times the dialog opens, since it may close and open again before the browser grants the camera. */
  #session = 0;
  #release: (discarded: boolean) => void = () => {};

  constructor(readonly ports: CameraPorts) {
    addLateLabels();
    Object.assign(this.#preview, { muted: true, playsInline: true, autoplay: true });
    const buttons = h("div", { class: "buttons" }, this.#keep, this.#discard);
    this.element.append(this.#preview, this.#status, buttons);
    // Escape does not say whether to keep the recording, so it is ignored. A browser ignores that after a few times:
    // then the recording is kept.
    this.element.addEventListener("cancel", (event) => event.preventDefault());
    this.element.addEventListener("close", () => this.#end());
  }

  /** Puts the dialog and its styles into a shadow tree. */
  appendTo(root: ShadowRoot): void {
    root.adoptedStyleSheets.push(createSheet(CSS));
    root.append(this.element);
  }

  async open(): Promise<void> {
    if (this.element.open) return;
    this.#session += 1;
    const session = this.#session;
    this.#prepare();
    this.element.showModal();
    try {
      const media = await openCamera();
      if (session !== this.#session || !this.element.open) return stopTracks(media);
      this.#record(media, session);
    } catch (error) {
      this.#discarded = true;
      this.#end();
      setText(this.#status, this.ports.localization.label("no_camera", { detail: reasonOf(error) }));
    }
  }

  /** Keeps the recording, unless it was discarded before. */
  close(): void {
    this.element.close();
  }

  #prepare(): void {
    const { localization } = this.ports;
    this.element.lang = localization.tag;
    this.element.setAttribute("aria-label", localization.label("record"));
    this.#preview.setAttribute("aria-label", localization.label("record_preview"));
    setLabel(this.#keep, localization.label("record_stop"));
    setLabel(this.#discard, localization.label("record_cancel"));
    setText(this.#status, "");
    this.#keep.hidden = true;
    this.#discarded = false;
  }

  #record(media: MediaStream, session: number): void {
    this.#release = () => stopTracks(media);
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? "";
    const recorder = new MediaRecorder(media, mimeType ? { mimeType } : {});
    const type = (recorder.mimeType || "video/webm").split(";")[0] as string;
    const abort = this.ports.upload({
      stream: streamOf(recorder),
      filename: filenameOf(new Date(), type),
      type,
    });
    this.#release = (discarded) => {
      if (recorder.state !== "inactive") recorder.stop();
      stopTracks(media);
      if (discarded) abort();
    };
    recorder.start(TIMESLICE);
    // The recorder stops by itself when the camera is unplugged, for example.
    recorder.addEventListener("stop", () => session === this.#session && this.close());
    this.#preview.srcObject = media;
    setText(this.#status, this.ports.localization.label("recording"));
    this.#keep.hidden = false;
    this.#keep.focus();
  }

  #end(): void {
    const release = this.#release;
    this.#release = () => {};
    this.#session += 1;
    this.#preview.srcObject = null;
    release(this.#discarded);
  }
}

/** Without a microphone the video has no sound. */
async function openCamera(): Promise<MediaStream> {
  const { mediaDevices } = navigator;
  return mediaDevices
    .getUserMedia({ video: true, audio: true })
    .catch(() => mediaDevices.getUserMedia({ video: true }));
}

function stopTracks(media: MediaStream): void {
  for (const track of media.getTracks()) track.stop();
}

function streamOf(recorder: MediaRecorder): ReadableStream<Blob> {
  const detach = () => {
    recorder.ondataavailable = recorder.onstop = recorder.onerror = null;
  };
  return new ReadableStream({
    start(controller) {
      recorder.ondataavailable = ({ data }) => data.size && controller.enqueue(data);
      recorder.onstop = () => controller.close();
      recorder.onerror = () => {
        detach();
        controller.error(new Error("The recorder stopped by itself."));
      };
    },
    cancel: detach,
  });
}

/** `recording 2031-05-06 070809.webm`, in local time. */
function filenameOf(date: Date, type: string): string {
  const pad = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join("");
  return `recording ${day} ${time}.${type.endsWith("mp4") ? "mp4" : "webm"}`;
}
