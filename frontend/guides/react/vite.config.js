// The site that `make demo` starts. Django compares the Origin and Host headers, so the proxy must not change Host.
const site = { target: process.env.SITE ?? "http://127.0.0.1:8000", changeOrigin: false };

export default {
  server: { proxy: { "/api": site, "/accounts": site, "/static": site } },
  optimizeDeps: { exclude: ["oss-uploads"] }, // Before Vite 8 the worker is not found otherwise.
};
