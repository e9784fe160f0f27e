// A worker that computes the MD5 of blobs.

import { md5Of } from "./md5-of-blob.ts";
import { serve } from "./worker-protocol.ts";

serve(md5Of);
