// The texts of errors whose cause is found after a failure, in English. They are loaded with the diagnosis.

/** For each error: title, detail, and a hint at what to do. */
export const DIAGNOSES = {
  cors: [
    "This page is not allowed to upload to OSS.",
    "The bucket's CORS rules do not allow this page ({origin}).",
    "An administrator can allow it with: manage.py configure_bucket --origin {origin}",
  ],
  mixed_content: [
    "The browser blocks the connection to OSS.",
    "This page has https, but the address of OSS has not ({address}). Browsers forbid that.",
    "An administrator must set an https address (OSS_ENDPOINT, or the endpoint of the place).",
  ],
  csp_blocked: [
    "This page forbids the connection to OSS.",
    "The page's Content-Security-Policy does not allow {address}.",
    "An administrator must add {address} to connect-src of the page.",
  ],
  local_network_denied: [
    "The browser may not reach the local network.",
    "OSS has an address in a private network ({address}), which this page may not reach.",
    "Allow access to the local network in the browser's settings for this page, then try again. The page needs https.",
  ],
  refused_here: ["{title}", "{detail}", "For an administrator: {cure}"],
  refused_site: [
    "OSS refused a part.",
    "{detail}",
    "The configuration of the site must be corrected. Send the code and the request ID to an administrator.",
  ],
  refused_account: [
    "OSS refused a part.",
    "{detail}",
    "The site's Alibaba Cloud account needs attention. Send the code and the request ID to an administrator.",
  ],
} as const;

/** The name of an error whose cause is found after a failure. */
export type DiagnosisName = keyof typeof DIAGNOSES;
