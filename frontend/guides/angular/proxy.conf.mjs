const site = { target: process.env.SITE ?? "http://127.0.0.1:8000", changeOrigin: false };

export default { "/api": site, "/accounts": site, "/static": site };
