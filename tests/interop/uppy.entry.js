// Uppy as its own packages have it, for a page: bundled by the test that drives it, once for each version.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";

const PART = 5 * 1024 * 1024; // Uppy's own

/** What became of the files: [name, error or null]. */
function outcome(result) {
  const files = [...(result?.successful ?? []), ...(result?.failed ?? [])];
  return files.map(({ name, error }) => [name, error ?? null]);
}

/**
 * Begins files of these sizes, each part of them filled with a letter of its own. `kept`: what Uppy said of an upload
 * before the page went away. `token` takes the place of the right one.
 */
window.begin = async ({ name, sizes, destination, kept, token, type = "video/mp4", ...more }) => {
  const options = { ...(await ossUploads.uppyOptions({ destination })), ...more };
  if (token) options.companionEndpoint = options.endpoint = options.endpoint.replace(/[^/]*$/, token);
  const uppy = new Uppy().use(AwsS3, options);
  window.uppy = uppy;
  window.endpoint = options.endpoint;
  window.arrived = [];
  uppy.on("s3-multipart:part-uploaded", (_, { PartNumber }) => window.arrived.push(PartNumber));
  for (const [index, size] of sizes.entries()) {
    const data = new Uint8Array(size);
    for (let at = 0; at < size; at += PART) data.fill(65 + at / PART, at, at + PART);
    const id = uppy.addFile({ name: `${name} ${index}.bin`, type, data: new File([data], "x", { type }) });
    if (kept) uppy.setFileState(id, { s3Multipart: kept });
  }
  window.ended = uppy.upload().then(outcome);
};

window.again = () => {
  window.ended = window.uppy.retryAll().then(outcome);
};

// For the benchmark, which uses Uppy as it comes.
Object.assign(window, { Uppy, AwsS3 });
