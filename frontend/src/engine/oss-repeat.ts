// Made by `python -m tests.error_codes` from the table of OSS's error codes, uploads/oss/error_codes.

/** Where the status misleads: may be repeated although it is below 500, or may not although it is 5xx. */
export const REPEAT: Readonly<Record<string, boolean>> = {
  IncompleteBody: true,
  InvalidCRC64: true,
  InvalidDigest: true,
  NotImplemented: false,
  RequestTimeout: true,
};
