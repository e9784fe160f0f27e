// Small pictures of images, and of a frame of videos, made in the browser from the file that was uploaded.

/** Pixels of each side: the icon on a screen of twice the density. */
const SIDE = 72;
/** Bytes. A larger image takes too much memory to decode. */
const MAX_IMAGE = 30_000_000;
/** Pictures that one page keeps. */
const MAX_PICTURES = 200;
/** Milliseconds after which a browser does not show a frame any more. */
const PATIENCE = 5_000;
/** Seconds into a video: the first frame is often black. */
const FRAME_AT = 1;

let made = 0;
/** One after another: decoding takes memory and time. */
let last: Promise<unknown> = Promise.resolve();

/** A canvas with the picture; null for other files, and where the browser cannot show the file. */
export function thumbnailOf(file: Blob): Promise<HTMLCanvasElement | null> {
  const next = last.then(() => make(file)).catch(() => null);
  last = next;
  return next;
}

async function make(file: Blob): Promise<HTMLCanvasElement | null> {
  if (made >= MAX_PICTURES || file.size === 0) return null;
  const isImage = file.type.startsWith("image/") && file.size <= MAX_IMAGE;
  if (!isImage && !file.type.startsWith("video/")) return null;
  const canvas = isImage ? await ofImage(file) : await ofVideo(file);
  made += 1;
  return canvas;
}

async function ofImage(file: Blob): Promise<HTMLCanvasElement> {
  const image = await createImageBitmap(file);
  try {
    return draw(image, image.width, image.height);
  } finally {
    image.close();
  }
}

/** A page whose Content-Security-Policy forbids `blob:` media gets no frame. */
async function ofVideo(file: Blob): Promise<HTMLCanvasElement> {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  const happens = (name: string) =>
    new Promise((resolve, reject) => {
      video.addEventListener(name, resolve, { once: true });
      video.addEventListener("error", reject, { once: true });
      setTimeout(reject, PATIENCE);
    });
  try {
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: url });
    await happens("loadeddata");
    if (video.duration > FRAME_AT) {
      const seeked = happens("seeked");
      video.currentTime = FRAME_AT;
      await seeked;
    }
    return draw(video, video.videoWidth, video.videoHeight);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

/** The middle square. */
function draw(source: CanvasImageSource, width: number, height: number): HTMLCanvasElement {
  const side = Math.min(width, height);
  if (!side) throw new Error("The file has no picture.");
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const at = [(width - side) / 2, (height - side) / 2] as const;
  canvas.getContext("2d")?.drawImage(source, ...at, side, side, 0, 0, SIDE, SIDE);
  return canvas;
}
