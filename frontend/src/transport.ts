// Sends one body to the storage by XMLHttpRequest, the only means in a browser that tells how far it is.
// Its one rule: it judges nothing; whatever came back, or did not, is an answer.

import type { PutAnswer, PutRequest, Transport } from "./ports.ts";

export class XhrTransport implements Transport {
  put({ url, headers, body, signal, onprogress }: PutRequest): Promise<PutAnswer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const xhr = new XMLHttpRequest();
      const stop = () => xhr.abort();
      signal.addEventListener("abort", stop, { once: true });
      xhr.upload.onprogress = (event) => onprogress(event.loaded);
      xhr.onloadend = () => {
        signal.removeEventListener("abort", stop);
        // Safari aborts requests by itself at times: without our signal it is a lost answer like any other.
        if (signal.aborted) reject(signal.reason);
        else resolve(answerOf(xhr));
      };
      xhr.open("PUT", url);
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      xhr.send(body);
    });
  }
}

function answerOf(xhr: XMLHttpRequest): PutAnswer {
  // All of them at once: asking for one that CORS hides makes the browser complain on the console.
  const lines = xhr.getAllResponseHeaders().trim().split(/\r?\n/).filter(Boolean);
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status: xhr.status, headers: new Headers(pairs), body: xhr.responseText };
}
