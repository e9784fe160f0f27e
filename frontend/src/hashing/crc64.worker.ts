// The worker: takes a blob, gives its CRC64.

import { crc64Of } from "./hash-crc64.ts";
import { serve } from "./serving.ts";

serve(crc64Of);
