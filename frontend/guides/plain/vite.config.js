// The site, as `make demo` serves it; it checks where a page says it comes from, so that is left as it is.
const site = { target: process.env.SITE ?? "http://127.0.0.1:8000", changeOrigin: false };

export default {
  server: { proxy: { "/api": site, "/accounts": site, "/static": site } },
  optimizeDeps: { exclude: ["oss-uploads"] }, // before Vite 8: else the worker is not found, and the page itself hashes
};
