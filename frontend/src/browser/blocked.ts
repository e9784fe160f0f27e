// What a browser forbids a page without telling it: mixed content, the page's CSP, access to the local network.

import type { BlockedBy } from "../engine/ports.ts";

/** Milliseconds in which the event of a violation follows the failed request. */
const EVENT_DELAY = 100;
/**
 * Chrome's permission for private addresses: the name of version 142, and the two of version 145
 * (https://developer.chrome.com/blog/local-network-access).
 */
const PERMISSIONS = ["local-network-access", "local-network", "loopback-network"];
/** Addresses of RFC 1918 and RFC 6598, link-local and unique local ones, and names that only a local network has. */
const PRIVATE =
  /^(10|127)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^169\.254\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^\[(f[cd]|fe[89ab]|::1\])|(^|\.)localhost$|\.local$/;
/** Addresses that a page with https may reach by http (Secure Contexts, "potentially trustworthy"). */
const TRUSTWORTHY = /^127\.|^\[::1\]$|(^|\.)localhost$/;

/** `isPrivate`: the address is taken for a private one, whatever its name. */
export async function blockedBy(
  address: string,
  isPrivate: boolean,
  signal: AbortSignal,
): Promise<BlockedBy | null> {
  const { protocol, hostname } = new URL(address);
  if (await violatesPolicy(address, signal)) return "csp_blocked";
  const isLocal = isPrivate || PRIVATE.test(hostname);
  if (isLocal && !PRIVATE.test(location.hostname) && !(await mayReachLocalNetwork())) {
    return "local_network_denied";
  }
  const isMixed = location.protocol === "https:" && protocol === "http:" && !TRUSTWORTHY.test(hostname);
  return isMixed ? "mixed_content" : null;
}

/** Whether a request violates `connect-src`. The event does not come to requests that were sent before. */
async function violatesPolicy(address: string, signal: AbortSignal): Promise<boolean> {
  let violated = false;
  const listen = ({ disposition, effectiveDirective, blockedURI }: SecurityPolicyViolationEvent) => {
    violated ||=
      disposition === "enforce" &&
      effectiveDirective === "connect-src" &&
      new URL(blockedURI, address).origin === address;
  };
  document.addEventListener("securitypolicyviolation", listen);
  try {
    // Nothing is sent to OSS where the policy forbids it. Otherwise the response does not matter.
    await fetch(address, { mode: "no-cors", cache: "no-store", credentials: "omit", signal }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, EVENT_DELAY));
  } finally {
    document.removeEventListener("securitypolicyviolation", listen);
  }
  return violated;
}

/** Only a secure page can be permitted. A browser that does not know the permission does not restrict the page. */
async function mayReachLocalNetwork(): Promise<boolean> {
  const states = await Promise.all(
    PERMISSIONS.map((name) =>
      navigator.permissions?.query({ name: name as PermissionName }).then(
        ({ state }) => state,
        () => null, // Unknown to this browser.
      ),
    ),
  );
  return !states.includes("denied");
}
