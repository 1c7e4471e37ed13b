// How a meter moves: up at once, down slowly; the peak stands for a while. Pure: time is an argument.

import { CLIP_DB, FLOOR_DB } from "./levels";

/** How fast a bar falls. */
export const FALL_DB_PER_S = 36;
/** How long a peak stands. */
export const HOLD_MS = 1500;
/** How long "clip" is said. */
export const CLIP_MS = 3000;

export interface Needle {
  readonly level: number;
  readonly peak: number;
  readonly peakAt: number;
  readonly clippedAt: number;
  readonly at: number;
}

export const AT_REST: Needle = { level: FLOOR_DB, peak: FLOOR_DB, peakAt: 0, clippedAt: -Infinity, at: 0 };

/** The needle at `now` (ms), given the newest reading in dBFS. */
export function moved(needle: Needle, reading: number, now: number): Needle {
  const passed = Math.max(0, Math.min(1000, now - needle.at)) / 1000;
  const fallen = Math.max(FLOOR_DB, needle.level - FALL_DB_PER_S * passed);
  const level = Math.max(fallen, Math.min(0, reading));
  const stands = level < needle.peak && now - needle.peakAt < HOLD_MS;
  const sinking = Math.max(level, needle.peak - FALL_DB_PER_S * passed);
  const held = level >= needle.peak;
  return {
    level,
    peak: stands ? needle.peak : sinking,
    peakAt: held ? now : needle.peakAt,
    clippedAt: reading >= CLIP_DB ? now : needle.clippedAt,
    at: now,
  };
}

/** Whether "clip" is to be said now. */
export function clips(needle: Needle, now: number): boolean {
  return now - needle.clippedAt < CLIP_MS;
}
