// Has the real ali-oss sign forms, in V4 and in V1, and posts them with Node's own FormData; prints the answers.
import { createRequire } from "node:module";

const OSS = createRequire(new URL("../../frontend/package.json", import.meta.url))("ali-oss");
const given = JSON.parse(process.argv[2]);
const client = new OSS({ ...given, secure: false });
const day = (time) => time.toISOString().slice(0, 10).replaceAll("-", "");
const now = new Date();
const date = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
const expiration = new Date(now.getTime() + 60_000).toISOString();
const credential = `${given.accessKeyId}/${day(now)}/${given.region.replace(/^oss-/, "")}/oss/aliyun_v4_request`;

const post = async (fields) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob(["hello"], { type: "text/plain" }), "ü b.txt");
  const answer = await fetch(`${given.endpoint}/${given.bucket}`, { method: "POST", body: form });
  return [answer.status, await answer.text()];
};

const proof = { "x-oss-signature-version": "OSS4-HMAC-SHA256", "x-oss-credential": credential, "x-oss-date": date };
const policy = {
  expiration,
  conditions: [{ bucket: given.bucket }, ...Object.entries(proof).map(([name, value]) => ({ [name]: value })), ["starts-with", "$key", "form/"]],
};
const encoded = Buffer.from(JSON.stringify(policy)).toString("base64");
const v4 = { ...proof, policy: encoded, "x-oss-signature": client.signPostObjectPolicyV4(policy, now) };
const old = client.calculatePostSignature({ expiration, conditions: [["content-length-range", 5, 5]] });

console.log(
  JSON.stringify({
    v4: await post({ ...v4, key: "form/${filename}" }),
    refused: (await post({ ...v4, key: "elsewhere" }))[0],
    v1: await post({ ...old, key: "form/v1", success_action_status: "200" }),
    stored: (await client.get("form/ü b.txt")).content.toString(),
  }),
);
