// The worker: takes a blob, gives its MD5.

import { md5Of } from "./hash-md5.ts";
import { serve } from "./serving.ts";

serve(md5Of);
