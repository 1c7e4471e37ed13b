import { expect, test } from "vitest";
import { AT_REST, CLIP_MS, clips, HOLD_MS, moved } from "../src/domain/ballistics";
import { FLOOR_DB } from "../src/domain/levels";

test("up at once, down slowly", () => {
  const up = moved(AT_REST, -10, 1000);
  expect(up.level).toBe(-10);
  const later = moved(up, -60, 1040);
  expect(later.level).toBeLessThan(-10);
  expect(later.level).toBeGreaterThan(-12);
});

test("the peak stands, then sinks, and never stands below the bar", () => {
  let needle = moved(AT_REST, -6, 0);
  for (let now = 40; now < HOLD_MS; now += 40) {
    needle = moved(needle, -40, now);
    expect(needle.peak).toBe(-6);
  }
  for (let now = HOLD_MS; now < HOLD_MS + 4000; now += 40) {
    needle = moved(needle, -40, now);
    expect(needle.peak).toBeGreaterThanOrEqual(needle.level);
  }
  expect(needle.peak).toBe(-40);
});

test("clip is said for a while, and a window that slept does not jump below the floor", () => {
  const hot = moved(AT_REST, 0, 500);
  expect(clips(hot, 500 + CLIP_MS - 1)).toBe(true);
  expect(clips(hot, 500 + CLIP_MS)).toBe(false);
  expect(clips(moved(AT_REST, -3, 0), 0)).toBe(false);
  expect(moved(hot, -120, 1e9).level).toBeGreaterThanOrEqual(FLOOR_DB);
});
