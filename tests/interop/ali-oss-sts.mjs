// Has the real ali-oss assume a role at the server named in its one argument, and upload with the temporary credentials.
import { createRequire } from "node:module";

const OSS = createRequire(new URL("../../frontend/package.json", import.meta.url))("ali-oss");
const { role, policy, session, v4, ...given } = JSON.parse(process.argv[2]);
const sts = new OSS.STS({ accessKeyId: given.accessKeyId, accessKeySecret: given.accessKeySecret });
sts.options.endpoint = given.endpoint;
const failure = ({ code, status }) => ({ code, status });

const wrong = await sts.assumeRole(`${role}-unknown`, policy, 900, session).catch(failure);
const { credentials } = await sts.assumeRole(role, policy, 900, session);
const client = new OSS({
  ...given,
  accessKeyId: credentials.AccessKeyId,
  accessKeySecret: credentials.AccessKeySecret,
  stsToken: credentials.SecurityToken,
  authorizationV4: v4,
  secure: false,
});
const allowed = (await client.multipartUpload("issued/a.bin", Buffer.alloc(300_000), { partSize: 102_400 })).res.status;
const refused = await client.put("other/a.bin", Buffer.from("x")).catch(failure);
console.log(JSON.stringify({ wrong, allowed, refused, credentials }));
