// A worker that computes the MD5 of blobs.

import { md5Of } from "./hashes.ts";
import { serve } from "./worker-protocol.ts";

serve(md5Of);
