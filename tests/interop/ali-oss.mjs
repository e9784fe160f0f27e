// Drives the real ali-oss in Node against the server named in its one argument, and prints what it saw as JSON.
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OSS = createRequire(new URL("../../frontend/package.json", import.meta.url))("ali-oss");
const { v4, wrong, ...given } = JSON.parse(process.argv[2]);
// At an IP ali-oss forges a Host with the bucket in it, and leaves the bucket out of the path.
const client = new OSS({ ...given, authorizationV4: v4, secure: false });
const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");
const seen = {};

if (wrong) {
  seen.error = await client.put("a.txt", Buffer.from("a")).catch(({ code, status, requestId }) => ({ code, status, requestId }));
} else {
  const key = "interop/视频 a+b%2F(1)'~.bin";
  seen.put = (await client.put(key, Buffer.from("hello"), { mime: "text/plain", meta: { uid: 7 } })).res.status;
  const head = await client.head(key);
  seen.head = [head.status, head.res.headers["content-length"], head.res.headers["content-type"], head.meta];
  seen.get = (await client.get(key)).content.toString();
  seen.range = (await client.get(key, { headers: { Range: "bytes=1-3" } })).content.toString();

  const folder = mkdtempSync(join(tmpdir(), "ali-oss-"));
  const path = join(folder, "film.bin");
  const content = randomBytes(1_200_000);
  writeFileSync(path, content);
  // Interrupted after three parts, taken up with its own checkpoint.
  let checkpoint;
  seen.stopped = await client
    .multipartUpload("interop/film.bin", path, {
      partSize: 102_400,
      parallel: 1,
      progress: (_, at) => {
        checkpoint = at ?? checkpoint;
        if (checkpoint?.doneParts.length >= 3) throw new Error("the tab was closed");
      },
    })
    .then(() => false, () => true);
  const before = checkpoint.doneParts.length;
  let sent = 0;
  const done = await client.multipartUpload("interop/film.bin", path, {
    checkpoint,
    parallel: 3,
    progress: (ratio, at) => {
      if (at && ratio < 1) sent = at.doneParts.length;
    },
  });
  seen.resumed = before >= 3 && sent <= 12;
  seen.etag = /-12"?$/.test(done.etag);
  seen.same = sha((await client.get("interop/film.bin")).content) === sha(content);
  rmSync(folder, { recursive: true });

  const { uploadId } = await client.initMultipartUpload("interop/aborted.bin");
  const { uploads } = await client.listUploads({ prefix: "interop/aborted" });
  seen.listed = uploads?.some((upload) => upload.uploadId === uploadId);
  await client.abortMultipartUpload("interop/aborted.bin", uploadId);
  seen.gone = (await client.listParts("interop/aborted.bin", uploadId).catch((error) => error)).code;
  seen.copied = (await client.copy("interop/copy.bin", key)).res.status;
  seen.folder = ((await client.listV2({ prefix: "interop/", delimiter: "/", "max-keys": 100 })).objects ?? []).map(({ name }) => name);
  seen.oldList = ((await client.list({ prefix: "interop/", "max-keys": 1 })).objects ?? []).length;
  await client.putACL(key, "public-read");
  seen.acl = (await client.getACL(key)).acl;
  seen.public = (await fetch(`${given.endpoint}/${given.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`)).status;
  await client.putObjectTagging(key, { team: "a b" });
  seen.tags = (await client.getObjectTagging(key)).tag;
  await client.putBucketCORS(given.bucket, [{ allowedOrigin: "*", allowedMethod: "PUT", allowedHeader: "*", exposeHeader: "ETag" }]);
  seen.cors = (await client.getBucketCORS(given.bucket)).rules.length;
  await client.putBucketLifecycle(given.bucket, [{ id: "stale", prefix: "raw/", status: "Enabled", abortMultipartUpload: { days: 3 } }]);
  seen.lifecycle = (await client.getBucketLifecycle(given.bucket)).rules[0].abortMultipartUpload.days;
  await client.deleteBucketLifecycle(given.bucket);
  await client.deleteBucketCORS(given.bucket);
  // It signs no URL at an IP.
  const named = new OSS({ ...given, endpoint: given.endpoint.replace("127.0.0.1", "localhost"), sldEnable: true, authorizationV4: v4, secure: false });
  const url = v4
    ? await named.signatureUrlV4("PUT", 60, { headers: { "content-type": "a/b" } }, key)
    : named.signatureUrl(key, { method: "PUT", "Content-Type": "a/b" });
  seen.signed = (await fetch(url, { method: "PUT", body: "x", headers: { "content-type": "a/b" } })).status;
  seen.deletedMany = (await client.deleteMulti(["interop/copy.bin", "interop/film.bin"])).deleted.length;
  await client.delete(key);
  seen.deleted = (await client.head(key).catch((error) => error)).status;
}
console.log(JSON.stringify(seen));
