import { expect, test } from "vitest";
import { inverse, keyOf, MOST, TOGETHER_MS, withStep, type Step } from "../src/domain/undo";
import type { EngineCommand, SessionState } from "../src/gen/protocol";

const equalizer = { low_db: 1, mid_db: 0, high_db: 0 };
const strip = { gain: 0.5, muted: true, priority: false, suppression: "off", levelling: true, high_pass: false } as const;
const state: SessionState = {
  phase: "running",
  match: "idle",
  kill: false,
  spec: {
    guild: "9",
    sources: [{ channel: "1", bot: "red", name: "Red", gain: 0.7, muted: false, equalizer, pan: -0.5 }],
    destinations: [{ channel: "2", bot: "casters", name: "", delay_s: 3, duck_db: 6, monitor: true }],
    routes: [],
    tick_ms: 20,
    loudness: -20,
  },
  bots: [],
  talkers: [{ user: "5", name: "Aoi", source: "1", strip, solo: true, bot: false }],
  sources: [{ source: "1", solo: true }],
  destinations: [],
  outages: [],
};

test.each<[EngineCommand, EngineCommand]>([
  [{ type: "set_talker_gain", user: "5", gain: 2 }, { type: "set_talker_gain", user: "5", gain: 0.5 }],
  [{ type: "mute_talker", user: "5", muted: false }, { type: "mute_talker", user: "5", muted: true }],
  [{ type: "solo_talker", user: "5", solo: false }, { type: "solo_talker", user: "5", solo: true }],
  [{ type: "set_source_gain", source: "1", gain: 1 }, { type: "set_source_gain", source: "1", gain: 0.7 }],
  [{ type: "solo_source", source: "1", solo: false }, { type: "solo_source", source: "1", solo: true }],
  [{ type: "set_source_pan", source: "1", pan: 1 }, { type: "set_source_pan", source: "1", pan: -0.5 }],
  [{ type: "set_destination_delay", destination: "2", delay_s: 0 }, { type: "set_destination_delay", destination: "2", delay_s: 3 }],
  [
    { type: "set_route_gain", source: "1", destination: "2", gain: 0 },
    { type: "set_route_gain", source: "1", destination: "2", gain: 1 },
  ],
  [{ type: "set_loudness", loudness: -16 }, { type: "set_loudness", loudness: -20 }],
])("%o is taken back", (command, back) => {
  expect(inverse(command, state)).toEqual(back);
});

test("what is gone or has no way back has none", () => {
  expect(inverse({ type: "mute_talker", user: "77", muted: true }, state)).toBeNull();
  expect(inverse({ type: "kill", active: true }, state)).toBeNull();
  expect(inverse({ type: "dump_talker", user: "5" }, state)).toBeNull();
});

test("a fader's movement is one step, which goes back to where it began", () => {
  const step = (at: number, gain: number): Step => {
    const back: EngineCommand = { type: "set_talker_gain", user: "5", gain };
    return { key: keyOf(back), back, at };
  };
  let steps: readonly Step[] = [];
  for (let at = 0; at < 20; at += 1) steps = withStep(steps, step(at * 40, at / 10));
  expect(steps).toHaveLength(1);
  expect(steps[0]?.back).toMatchObject({ gain: 0 });
  expect(withStep(steps, step(20 * 40 + TOGETHER_MS, 1.5))).toHaveLength(2);
});

test("steps are bounded", () => {
  let steps: readonly Step[] = [];
  for (let at = 0; at < 200; at += 1) {
    const back: EngineCommand = { type: "mute_talker", user: String(at), muted: true };
    steps = withStep(steps, { key: keyOf(back), back, at });
  }
  expect(steps).toHaveLength(MOST);
});
