// Sends one body to the storage by XMLHttpRequest, the only means in a browser that tells how far it is.
// Its one rule: it judges nothing; whatever came back, or did not, is an answer.

import type { SendAnswer, SendRequest, Signed, Transport } from "../engine/ports.ts";

/** Bytes up to which nobody asks how far a form is: listening would cost a preflight, which forms else never need. */
const UNHEARD = 512 * 1024;

export class XhrTransport implements Transport {
  send({ signed, body, signal, onprogress }: SendRequest): Promise<SendAnswer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const xhr = new XMLHttpRequest();
      const stop = () => xhr.abort();
      signal.addEventListener("abort", stop, { once: true });
      if (signed.method === "PUT" || body.size > UNHEARD) {
        xhr.upload.onprogress = (event) => onprogress(event.loaded);
      }
      xhr.onloadend = () => {
        signal.removeEventListener("abort", stop);
        // Safari aborts requests by itself at times: without our signal it is a lost answer like any other.
        if (signal.aborted) reject(signal.reason);
        else resolve(answerOf(xhr));
      };
      xhr.open(signed.method, signed.url);
      for (const [name, value] of Object.entries(signed.headers ?? {})) xhr.setRequestHeader(name, value);
      xhr.send(signed.method === "POST" ? formOf(signed, body) : body);
    });
  }
}

/** The storage reads a form in order, and ignores what comes after the file. */
function formOf(signed: Signed, body: Blob): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(signed.fields ?? {})) form.append(name, value);
  form.append("file", body, "file");
  return form;
}

function answerOf(xhr: XMLHttpRequest): SendAnswer {
  // All of them at once: asking for one that CORS hides makes the browser complain on the console.
  const lines = xhr.getAllResponseHeaders().trim().split(/\r?\n/).filter(Boolean);
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status: xhr.status, headers: new Headers(pairs), body: xhr.responseText };
}
