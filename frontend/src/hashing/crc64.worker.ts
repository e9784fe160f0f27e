// A worker that computes the CRC64 of blobs.

import { crc64Of } from "./crc64-of-blob.ts";
import { serve } from "./worker-protocol.ts";

serve(crc64Of);
