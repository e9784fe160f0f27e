// A dialog that records a video from the camera and uploads it while it is recorded.
// Recorded data goes into the stream at once. The camera is switched off whenever and however the dialog closes, and when
// the recording has reached the limit of the destination.

import { reasonOf } from "../engine/errors.ts";
import { can } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
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
  /** Starts the upload. */
  upload(recording: Recording): Upload;
}

/** Milliseconds of video in one Blob. */
const TIMESLICE = 500;
/** Bytes that may wait for the engine. It takes all at once unless the browser's disk is full or missing. */
const MAX_WAITING = 16 * 1024 * 1024;
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
.camera .room:empty { display: none; }
.camera::backdrop { background: rgb(0 0 0 / .6); }
.camera video { inline-size: 100%; aspect-ratio: 16 / 9; background: #000; border-radius: 10px; }
`;

export class Camera {
  readonly element = h("dialog", { class: "camera", part: "camera", "data-testid": "camera" });
  readonly #preview = h("video", { part: "preview" });
  readonly #status = h("p", { class: "message", role: "status" });
  /** What the destination still takes. It changes too often to be read aloud. */
  readonly #room = h("p", { class: "message room", "data-testid": "record-room" });
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
    this.element.append(this.#preview, this.#status, this.#room, buttons);
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
    setText(this.#room, "");
    this.#keep.hidden = true;
    this.#discarded = false;
  }

  #record(media: MediaStream, session: number): void {
    this.#release = () => stopTracks(media);
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? "";
    const recorder = new MediaRecorder(media, mimeType ? { mimeType } : {});
    const type = (recorder.mimeType || "video/webm").split(";")[0] as string;
    const { localization } = this.ports;
    const onwait = (waits: boolean) =>
      setText(this.#status, localization.label(waits ? "record_waits" : "recording"));
    const stream = streamOf(recorder, onwait);
    const upload = this.ports.upload({ stream, filename: filenameOf(new Date(), type), type });
    upload.addEventListener("progress", () => session === this.#session && this.#showRoom(upload));
    this.#release = (discarded) => {
      if (recorder.state !== "inactive") recorder.stop();
      stopTracks(media);
      if (discarded && can(upload.state, "abort")) void upload.abort().catch(() => {});
    };
    recorder.start(TIMESLICE);
    // The recorder stops by itself when the camera is unplugged, for example.
    recorder.addEventListener("stop", () => {
      if (session !== this.#session) return;
      if (upload.progress.endedEarly?.reason !== "limit") return this.close();
      stopTracks(media);
      setText(this.#room, "");
      setText(this.#status, localization.label("record_full"));
      setLabel(this.#keep, localization.label("keep"));
    });
    this.#preview.srcObject = media;
    onwait(false);
    this.#keep.hidden = false;
    this.#keep.focus();
  }

  #showRoom({ progress: { room, endedEarly } }: Upload): void {
    if (!room || endedEarly) return;
    const { formats } = this.ports.localization;
    const size = formats.bytes(room.bytesLeft);
    const time = room.secondsLeft === null ? null : formats.duration(room.secondsLeft);
    const label = time === null ? "record_room_size" : "record_room";
    setText(this.#room, this.ports.localization.label(label, { size, time: time ?? "" }));
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

/** The recorder pauses while more than MAX_WAITING bytes wait; `onwait` is told. */
function streamOf(recorder: MediaRecorder, onwait: (waits: boolean) => void): ReadableStream<Blob> {
  const detach = () => {
    recorder.ondataavailable = recorder.onstop = recorder.onerror = null;
  };
  const source: UnderlyingDefaultSource<Blob> = {
    start(controller) {
      recorder.ondataavailable = ({ data }) => {
        if (data.size) controller.enqueue(data);
        if ((controller.desiredSize ?? 0) > 0 || recorder.state !== "recording") return;
        recorder.pause();
        onwait(true);
      };
      recorder.onstop = () => controller.close();
      recorder.onerror = () => {
        detach();
        controller.error(new Error("The recorder stopped by itself."));
      };
    },
    pull() {
      if (recorder.state !== "paused") return;
      recorder.resume();
      onwait(false);
    },
    // The limit of the destination is reached, or the upload was aborted.
    cancel() {
      detach();
      if (recorder.state !== "inactive") recorder.stop();
    },
  };
  return new ReadableStream(source, { highWaterMark: MAX_WAITING, size: ({ size }) => size });
}

/** `recording 2031-05-06 070809.webm`, in local time. */
function filenameOf(date: Date, type: string): string {
  const pad = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join("");
  return `recording ${day} ${time}.${type.endsWith("mp4") ? "mp4" : "webm"}`;
}
