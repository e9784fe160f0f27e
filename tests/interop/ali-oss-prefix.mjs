// Has the real ali-oss upload, list and head with temporary credentials for a prefix, given in its one argument.
import { createRequire } from "node:module";

const OSS = createRequire(new URL("../../frontend/package.json", import.meta.url))("ali-oss");
const { prefix, ...given } = JSON.parse(process.argv[2]);
const client = new OSS({ ...given, authorizationV4: true, secure: false });
const failure = ({ code, status }) => ({ code, status });
const listed = ({ objects }) => (objects ?? []).map(({ name }) => name);

const multipart = await client.multipartUpload(`${prefix}day 1/ü.bin`, Buffer.alloc(300_000), {
  partSize: 102_400,
  mime: "image/png",
});
const tagged = await client.put(`${prefix}tagged.png`, Buffer.from("x"), {
  mime: "image/png",
  headers: { "x-oss-tagging": "album=1" },
});
const large = await client.put(`${prefix}large.png`, Buffer.alloc(400_000), { mime: "image/png" });
const html = await client.put(`${prefix}page.html`, Buffer.from("<b>"), { mime: "text/html" });
const everybody = { headers: { "x-oss-object-acl": "public-read" } };
console.log(
  JSON.stringify({
    stored: [multipart, tagged, large, html].map(({ res }) => res.status),
    listed: listed(await client.list({ prefix })),
    listedV2: listed(await client.listV2({ prefix: `${prefix}day 1/` })),
    head: (await client.head(`${prefix}day 1/ü.bin`)).res.headers["content-length"],
    denied: await Promise.all(
      [
        client.list({}),
        client.listV2({ prefix: "uploads/" }),
        client.put("elsewhere.bin", Buffer.from("x")),
        client.delete(`${prefix}tagged.png`),
        client.putACL(`${prefix}tagged.png`, "public-read"),
        client.put(`${prefix}public.png`, Buffer.from("x"), { mime: "image/png", ...everybody }),
        client.multipartUpload(`${prefix}public.png`, Buffer.alloc(300_000), { partSize: 102_400, ...everybody }),
      ].map((call) => call.then(() => "allowed", failure)),
    ),
  }),
);
