import { expect, test } from "vitest";
import { chains, kept, SPAN_MS, type Chain } from "../src/domain/chain";
import type { BotState, DestinationMeter, Meters, SessionState, SourceMeter } from "../src/gen/protocol";

const bot = (name: string, channel: string, other: Partial<BotState> = {}): BotState => ({
  bot: name,
  user: "1",
  name,
  role: channel === "1" ? "source" : "destination",
  channel,
  link: "connected",
  encryption: 1,
  cause: null,
  ...other,
});

function state(other: Partial<SessionState> = {}, muted = false): SessionState {
  const equalizer = { low_db: 0, mid_db: 0, high_db: 0 };
  return {
    phase: "running",
    match: "live",
    kill: false,
    spec: {
      guild: "9",
      sources: [{ channel: "1", bot: "red", name: "Red", gain: 1, muted, equalizer, pan: 0 }],
      destinations: [{ channel: "2", bot: "casters", name: "Casters", delay_s: 0, duck_db: 0, monitor: false }],
      routes: [],
      tick_ms: 20,
      loudness: -20,
    },
    bots: [bot("red", "1"), bot("casters", "2")],
    talkers: [],
    sources: [],
    destinations: [],
    outages: [],
    ...other,
  };
}

const engine = { ticks: 0, skipped: 0, residence_p50_ms: 0, residence_p99_ms: 0, lateness_p50_ms: 0, lateness_p99_ms: 0, drops: {} };

function reading(at_ms: number, source: Partial<SourceMeter> = {}, destination: Partial<DestinationMeter> = {}): Meters {
  const level = { peak_db: -20, loudness_lufs: -20 };
  return {
    type: "meters",
    at_ms,
    talkers: [],
    sources: [{ source: "1", ...level, received: 0, decrypted: 0, decoded: 0, mixed: 0, drops: {}, ...source }],
    destinations: [{ destination: "2", ...level, reduction_db: 0, ducking_db: 0, held_ms: 0, sent: 0, drops: {}, ...destination }],
    engine,
  };
}

const all = { received: 100, decrypted: 100, decoded: 100, mixed: 100 };

function judged(given: SessionState, source: Partial<SourceMeter>, destination: Partial<DestinationMeter>): Chain {
  return chains(given, [reading(0), reading(2000, source, destination)])[0] as Chain;
}

const failing = (chain: Chain) => chain.hops.find((hop) => hop.standing === "failed")?.hop;

test("all is well: every hop is good, with packets a second", () => {
  const chain = judged(state(), all, { sent: 100 });
  expect(chain.hops.map((hop) => hop.standing)).toEqual(Array(6).fill("good"));
  expect(chain.hops.map((hop) => hop.rate)).toEqual(Array(6).fill(50));
  expect(chain.cause).toBeNull();
});

test("nobody talks: quiet is no fault", () => {
  const chain = judged(state(), {}, {});
  expect(failing(chain)).toBeUndefined();
  expect(chain.hops[0]?.standing).toBe("quiet");
});

test.each([
  ["decrypted", { received: 100, drops: { dave_no_decryptor: 90, duplicate: 500 } }, "dave_no_decryptor"],
  ["decrypted", { received: 100, drops: {} }, "undecrypted"],
  ["decoded", { received: 100, decrypted: 100, drops: { corrupt_opus: 3 } }, "corrupt_opus"],
  ["mixed", { received: 100, decrypted: 100, decoded: 100 }, "strips_muted"],
])("stops at %s", (hop, source, code) => {
  const chain = judged(state(), source, { sent: 100 });
  expect(failing(chain)).toBe(hop);
  expect(chain.cause).toMatchObject({ kind: "own", code });
  expect(chain.hops.at(-1)?.standing).toBe("waiting");
});

test("not sent: the destination's own reason", () => {
  const chain = judged(state(), all, { drops: { socket_full: 40 } });
  expect(failing(chain)).toBe("sent");
  expect(chain.cause?.code).toBe("socket_full");
});

test("a source's bot that is away fails the first hop with the bot's own cause", () => {
  const away = state({ bots: [bot("red", "1", { link: "kicked", cause: "kicked" }), bot("casters", "2")] });
  const chain = judged(away, {}, {});
  expect(failing(chain)).toBe("received");
  expect(chain.cause).toEqual({ kind: "error", code: "kicked", details: { bot: "red" } });
});

test("a destination's bot that is away or muted fails the last hops", () => {
  const away = state({ bots: [bot("red", "1"), bot("casters", "2", { link: "recovering" })] });
  expect(failing(judged(away, all, {}))).toBe("sent");
  const muted = state({ bots: [bot("red", "1"), bot("casters", "2", { cause: "server_muted" })] });
  const chain = judged(muted, all, { sent: 100 });
  expect(failing(chain)).toBe("heard");
  expect(chain.cause?.code).toBe("server_muted");
});

test("what a person did is named: muted, killed, no route", () => {
  expect(judged(state({}, true), all, { sent: 100 }).cause?.code).toBe("source_muted");
  // As the engine counts: mixed is what a destination took.
  const unmixed = { ...all, mixed: 0 };
  const killed = judged(state({ kill: true }), unmixed, { sent: 0 });
  expect([failing(killed), killed.cause?.code]).toEqual(["heard", "kill"]);
  const closed = state();
  const spec = closed.spec && { ...closed.spec, routes: [{ source: "1", destination: "2", gain: 0 }] };
  expect(judged({ ...closed, spec }, unmixed, { sent: 100 }).cause?.code).toBe("no_route");
  expect(judged(state(), unmixed, { sent: 0 }).cause?.code).toBe("strips_muted");
});

test("a delayed destination is not judged by who talks now", () => {
  const delayed = state();
  const destinations = delayed.spec?.destinations.map((place) => ({ ...place, delay_s: 10 })) ?? [];
  const spec = delayed.spec && { ...delayed.spec, destinations };
  expect(judged({ ...delayed, spec }, { ...all, mixed: 0 }, { sent: 0 }).cause).toBeNull();
});

test("readings of the last two seconds are kept, and a session that begins anew begins anew", () => {
  let readings: readonly Meters[] = [];
  for (let at = 0; at <= 5000; at += 40) readings = kept(readings, reading(at));
  const [first, last] = [readings[0] as Meters, readings.at(-1) as Meters];
  expect(last.at_ms - first.at_ms).toBe(SPAN_MS);
  expect(kept(readings, reading(10))).toHaveLength(1);
});
