import { expect, test } from "vitest";
import { bandText, FLOOR_DB, gainText, levelText, place } from "../src/domain/levels";

test("a fader says percent and decibels", () => {
  expect(gainText(0.85)).toBe("85 % (−1.4 dB)");
  expect(gainText(1)).toBe("100 % (0.0 dB)");
  expect(gainText(2)).toBe("200 % (+6.0 dB)");
  expect(gainText(0)).toBe("0 % (−∞ dB)");
});

test("levels and bands are written with a true minus", () => {
  expect(levelText(-18.4)).toBe("−18 dB");
  expect(levelText(-120)).toBe("−∞ dB");
  expect(levelText(-0.2)).toBe("0 dB");
  expect(bandText(-2.5)).toBe("−2.5 dB");
  expect(bandText(3)).toBe("+3 dB");
});

test("a higher level never stands lower, and both ends are kept", () => {
  const places = Array.from({ length: 200 }, (_, index) => place(-80 + index / 2));
  expect(places.every((at, index) => index === 0 || at >= (places[index - 1] as number))).toBe(true);
  expect(place(FLOOR_DB - 5)).toBe(0);
  expect(place(3)).toBe(1);
  expect(place(-24)).toBeCloseTo(0.4);
});
