// Gains, decibels and where they stand on a scale. Pure.

/** What the engine calls silence. */
export const SILENCE_DB = -120;
/** Lowest level that a meter shows. */
export const FLOOR_DB = -60;
/** From here on a peak counts as clipping: the limiter's ceiling is below. */
export const CLIP_DB = -0.1;

/** A linear gain as dB; minus infinity for 0. */
export function decibels(gain: number): number {
  return gain > 0 ? 20 * Math.log10(gain) : -Infinity;
}

const signed = (value: number, digits: number): string => {
  const rounded = Number(value.toFixed(digits)) || 0;
  return (rounded < 0 ? "−" : rounded > 0 ? "+" : "") + Math.abs(rounded).toFixed(digits);
};

/** "−1.4 dB", "+6.0 dB", "−∞ dB". */
export function gainInDb(gain: number): string {
  return gain > 0 ? `${signed(decibels(gain), 1)} dB` : "−∞ dB";
}

/** "85 %". */
export function gainInPercent(gain: number): string {
  return `${Math.round(gain * 100)} %`;
}

/** What a fader says of itself: "85 % (−1.4 dB)". */
export function gainText(gain: number): string {
  return `${gainInPercent(gain)} (${gainInDb(gain)})`;
}

/** A level without a plus: "−18 dB"; "−∞ dB" for what no meter shows. */
export function levelText(level: number): string {
  return level <= SILENCE_DB ? "−∞ dB" : `${signed(level, 0)} dB`;
}

/** "+3 dB", "−2.5 dB", "0 dB". */
export function bandText(value: number): string {
  const digits = Number.isInteger(value) ? 0 : 1;
  return `${signed(value, digits)} dB`;
}

/** Where a level stands on a meter, 0 to 1: the upper 24 dB, where speech is, take 60 % of it. */
export function place(level: number): number {
  if (level <= FLOOR_DB) return 0;
  if (level >= 0) return 1;
  return level >= -24 ? 1 + (level / 24) * 0.6 : 0.4 * ((level - FLOOR_DB) / (-24 - FLOOR_DB));
}

/** The marks that a meter's scale has. */
export const MARKS: readonly number[] = [-48, -24, -12, -6, 0];
