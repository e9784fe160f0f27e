// Sends one body to OSS by XMLHttpRequest, the only means of a page that reports upload progress.
// It does not judge: any outcome but an abort by the signal is a response.

import type { SendRequest, SendResponse, SignedRequest, Transport } from "../engine/ports.ts";

/**
 * Bytes up to which the progress of a form is not observed: a listener makes the browser send a CORS preflight (Fetch
 * standard, "upload listener flag"), which forms otherwise do not need.
 */
const MAX_UNOBSERVED = 512 * 1024;

export class XhrTransport implements Transport {
  send({ signed, body, signal, onprogress }: SendRequest): Promise<SendResponse> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const xhr = new XMLHttpRequest();
      const abort = () => xhr.abort();
      signal.addEventListener("abort", abort, { once: true });
      if (signed.method === "PUT" || body.size > MAX_UNOBSERVED) {
        xhr.upload.onprogress = (event) => onprogress(event.loaded);
      }
      xhr.onloadend = () => {
        signal.removeEventListener("abort", abort);
        // Safari sometimes aborts requests by itself. Without our signal that is a lost response.
        if (signal.aborted) reject(signal.reason);
        else resolve(responseOf(xhr));
      };
      xhr.open(signed.method, signed.url);
      for (const [name, value] of Object.entries(signed.headers ?? {})) xhr.setRequestHeader(name, value);
      xhr.send(signed.method === "POST" ? formOf(signed, body) : body);
    });
  }
}

/** The form of PostObject: `file` must be the last field, because OSS ignores the fields after it. */
function formOf(signed: SignedRequest, body: Blob): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(signed.fields ?? {})) form.append(name, value);
  form.append("file", body, "file");
  return form;
}

function responseOf(xhr: XMLHttpRequest): SendResponse {
  // All headers at once: asking for one that CORS hides writes an error to the console.
  const lines = xhr.getAllResponseHeaders().trim().split(/\r?\n/).filter(Boolean);
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status: xhr.status, headers: new Headers(pairs), body: xhr.responseText };
}
