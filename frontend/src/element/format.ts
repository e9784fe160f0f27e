// Formats numbers, sizes and durations by Intl, in one language.
// Sizes are decimal everywhere: 1 kB is 1,000 bytes and 1 MB is 1,000,000 bytes, as Intl and OSS's console have them.

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;
/** From so many hours on, a duration is shown in days. */
const MAX_HOURS = 48;

export class Formats {
  /** Creating a NumberFormat is slow, and a list of uploads needs one several times a second. */
  readonly #cache = new Map<string, Intl.NumberFormat>();

  readonly locale: string;

  /** `locale` is a BCP 47 tag; one that is malformed or unknown gives English. */
  constructor(locale: string) {
    this.locale = supported(locale);
  }

  number(value: number): string {
    return this.#format("", {}).format(value);
  }

  /** `0.425` as “42%”. Rounded down, so that 100% means complete. */
  percent(ratio: number): string {
    return this.#format("%", { style: "percent" }).format(Math.floor(ratio * 100) / 100);
  }

  /** A count of bytes as “999 bytes” or “10.7 GB”. */
  bytes(count: number): string {
    return this.#size(count, "");
  }

  /** As `bytes`, without a decimal place that is 0: “5 MB”. */
  limit(count: number): string {
    return this.#size(count, "", 0);
  }

  /** Bytes per second as “12 MB/s”. */
  rate(bytesPerSecond: number): string {
    return this.#size(bytesPerSecond, "-per-second");
  }

  /** Seconds as “59 sec”, “2 min”, “5 hr 7 min” or “3 days”. */
  duration(seconds: number): string {
    if (Math.round(seconds) < 60) return this.#unit("second", Math.max(1, Math.round(seconds)));
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return this.#unit("minute", minutes);
    const hours = Math.floor(minutes / 60);
    if (hours >= MAX_HOURS) return this.#unit("day", Math.round(hours / 24));
    const parts = [this.#unit("hour", hours), this.#unit("minute", minutes % 60)];
    return new Intl.ListFormat(this.locale, { type: "unit", style: "narrow" }).format(parts);
  }

  #size(count: number, per: "" | "-per-second", least = 1): string {
    let value = count;
    let power = 0;
    // Compared as it will be rounded, so that 999,999 bytes are not “1000 kB”.
    while (Math.round(value) >= 1000 && power < SIZES.length - 1) {
      value /= 1000;
      power += 1;
    }
    const digits = power === 0 || value >= 99.95 ? 0 : 1;
    const display = power === 0 ? "long" : "short";
    return this.#unit(`${SIZES[power]}${per}`, value, digits, display, Math.min(digits, least));
  }

  /** A fixed number of digits keeps the text from jumping while it changes. `least`: of the digits, those that stay. */
  #unit(
    unit: string,
    value: number,
    digits = 0,
    unitDisplay: "long" | "short" = "short",
    least = digits,
  ): string {
    const fraction = { minimumFractionDigits: least, maximumFractionDigits: digits };
    return this.#format(`${unit}${digits}${least}`, { style: "unit", unit, unitDisplay, ...fraction }).format(
      value,
    );
  }

  #format(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
    let format = this.#cache.get(key);
    if (!format) {
      format = new Intl.NumberFormat(this.locale, options);
      this.#cache.set(key, format);
    }
    return format;
  }
}

function supported(locale: string): string {
  try {
    return Intl.NumberFormat.supportedLocalesOf(locale)[0] ?? "en";
  } catch {
    return "en"; // RangeError: malformed, such as the underscore in `en_US`.
  }
}
