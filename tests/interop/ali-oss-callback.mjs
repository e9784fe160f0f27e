// Has the real ali-oss upload with callbacks to the two addresses named in its one argument, and prints what it heard.
import { createRequire } from "node:module";

const OSS = createRequire(new URL("../../frontend/package.json", import.meta.url))("ali-oss");
const { v4, good, bad, ...given } = JSON.parse(process.argv[2]);
const client = new OSS({ ...given, authorizationV4: v4, secure: false });
const callback = (url) => ({
  url,
  body: "object=${object}&size=${size}&uid=${x:uid}",
  contentType: "application/x-www-form-urlencoded",
  customValue: { uid: "7" },
});
const failure = ({ code, status, name }) => ({ code, status, name });
const file = Buffer.alloc(300_000);

const put = await client.put("put.bin", Buffer.from("hello"), { callback: callback(good) });
const multipart = await client.multipartUpload("parts.bin", file, { partSize: 102_400, callback: callback(good) });
const refused = await client.put("kept.bin", Buffer.from("hello"), { callback: callback(bad) }).catch(failure);
const kept = (await client.get("kept.bin")).content.toString();
console.log(JSON.stringify({ put: put.data, multipart: multipart.data, refused, kept }));
