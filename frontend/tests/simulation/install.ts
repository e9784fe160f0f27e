// Imported first: modules of the engine make signals when they are loaded.

import { installPlatform } from "./platform.ts";

installPlatform();
