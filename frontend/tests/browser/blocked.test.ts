// What a browser forbids a page without telling it.

import { afterEach, expect, test, vi } from "vitest";
import { blockedBy } from "../../src/browser/blocked.ts";

interface Around {
  /** The page. */
  page?: string;
  /** The permissions that the browser knows. */
  permissions?: Record<string, PermissionState>;
  /** The violation that a request causes. */
  violation?: Partial<SecurityPolicyViolationEvent>;
}

function browser({ page = "https://page.test", permissions = {}, violation }: Around): void {
  const document = new EventTarget();
  const { protocol, hostname } = new URL(page);
  vi.stubGlobal("document", document);
  vi.stubGlobal("location", { protocol, hostname });
  vi.stubGlobal("navigator", {
    permissions: {
      query: async ({ name }: { name: string }) => {
        const state = permissions[name];
        if (!state) throw new TypeError(`${name} is not a permission.`);
        return { state };
      },
    },
  });
  vi.stubGlobal("fetch", async () => {
    setTimeout(() => {
      if (violation) document.dispatchEvent(Object.assign(new Event("securitypolicyviolation"), violation));
    });
    throw new TypeError("Failed to fetch");
  });
}

const never = new AbortController().signal;
const ask = (address: string, isPrivate = false) => blockedBy(address, isPrivate, never);
const DENIED = { "local-network": "denied", "loopback-network": "prompt" } as const;
const violation = {
  disposition: "enforce",
  effectiveDirective: "connect-src",
  blockedURI: "https://bucket.oss.test/?uploadId=1",
} as const;

afterEach(() => vi.unstubAllGlobals());

test("nothing is known of an address that just does not answer", async () => {
  browser({ permissions: { "local-network-access": "prompt" } });
  expect(await ask("https://bucket.oss.test")).toBeNull();
});

test("a violation of connect-src by this address is the page's policy", async () => {
  browser({ violation });
  expect(await ask("https://bucket.oss.test")).toBe("csp_blocked");
});

test.each([
  ["another address", { blockedURI: "https://elsewhere.test/" }],
  ["another directive", { effectiveDirective: "img-src" }],
  ["a policy that is only reported", { disposition: "report" }],
] as const)("a violation of %s is not", async (_, other) => {
  browser({ violation: { ...violation, ...other } });
  expect(await ask("https://bucket.oss.test")).toBeNull();
});

test.each([
  ["https://page.test", "http://bucket.oss.test", "mixed_content"],
  ["http://page.test", "http://bucket.oss.test", null],
  ["https://page.test", "https://bucket.oss.test", null],
  ["https://page.test", "http://127.0.0.1:9000", null],
  ["https://page.test", "http://bucket.localhost:9000", null],
  ["https://page.test", "http://192.168.1.5:9000", "mixed_content"],
])("a page at %s and OSS at %s: %s", async (page, address, cause) => {
  browser({ page });
  expect(await ask(address)).toBe(cause);
});

test.each([
  "https://10.1.2.3",
  "https://172.20.0.1",
  "https://192.168.1.5:9000",
  "https://100.64.0.1",
  "https://169.254.1.1",
  "http://127.0.0.1:9000",
  "https://oss.local",
  "http://localhost:9000",
  "https://[fd00::1]",
  "http://[::1]:9000",
])("%s is private: a denied permission keeps the page from it", async (address) => {
  browser({ permissions: DENIED });
  expect(await ask(address)).toBe("local_network_denied");
});

test("Chrome 142 has another name for the permission", async () => {
  browser({ permissions: { "local-network-access": "denied" } });
  expect(await ask("https://10.1.2.3")).toBe("local_network_denied");
});

test("a name may be that of a private address, which only the caller knows", async () => {
  browser({ permissions: DENIED });
  expect(await ask("https://oss.intranet.example")).toBeNull();
  expect(await ask("https://oss.intranet.example", true)).toBe("local_network_denied");
});

test.each([
  ["a page of the same network", "http://192.168.1.4", DENIED],
  ["a browser without the permission", "https://page.test", {}],
  ["a page that is allowed", "https://page.test", { "local-network": "granted" }],
] as const)("%s may reach a private address", async (_, page, permissions) => {
  browser({ page, permissions });
  expect(await ask("https://10.1.2.3")).toBeNull();
});

test("an address outside of private networks is not private", async () => {
  browser({ permissions: DENIED });
  for (const host of ["100.128.0.1", "172.32.0.1", "11.0.0.1", "192.169.0.1"]) {
    expect(await ask(`https://${host}`)).toBeNull();
  }
});
