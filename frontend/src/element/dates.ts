// Formats dates. Only the list of unfinished uploads shows any.

/** An ISO 8601 time as date and time of day in the reader's time zone; "" when it is malformed. */
export function formatDate(iso: string, locale: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(date);
}
