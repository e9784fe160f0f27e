import vue from "@vitejs/plugin-vue";

const site = { target: process.env.SITE ?? "http://127.0.0.1:8000", changeOrigin: false };

export default {
  plugins: [vue()],
  server: { proxy: { "/api": site, "/accounts": site, "/static": site } },
};
