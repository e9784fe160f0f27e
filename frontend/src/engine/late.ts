// Loads a chunk of our code, and where Firefox has failed to, once more from another URL.
//
// Firefox asks once for each URL of a module. After an answer such as 503 every import() of it fails until the page is
// reloaded (https://github.com/whatwg/html/issues/6768); Chromium and WebKit ask again. A chunk that fails because one
// that it imports has failed is not cured by this: `vite.config.ts` builds none that imports a late one.

/** Firefox's words, which name the URL. */
const FAILED = /^error loading dynamically imported module: (https?:.+)/;

/** How often another URL has failed, too, by the URL of the module. The browser keeps what it has loaded. */
const failures: Record<string, number> = {};

/**
 * What the module that `load` imports exports by this name. Nothing is repeated later by itself: each call, which is the
 * caller's to make, tries another URL until one is loaded.
 */
export function importLate<Module extends object, Name extends keyof Module & string>(
  load: () => Promise<Module>,
  name: Name,
  importUrl = (url: string): Promise<object> => import(/* @vite-ignore */ /* webpackIgnore: true */ url),
): Promise<Module[Name]> {
  return load()
    .catch(async (error) => {
      const url = FAILED.exec(error?.message)?.[1];
      if (url) {
        const count = failures[url] ?? 0;
        const found = await importUrl(`${url}${url.includes("?") ? "&" : "?"}${count}`).catch((cause) => {
          failures[url] = count + 1;
          throw cause;
        });
        // A bundler may have put the module beside others, or have made of its URL what is no module.
        for (const module of [found, ...Object.values(found)]) if (name in Object(module)) return module;
      }
      throw error;
    })
    .then((module) => module[name]);
}
