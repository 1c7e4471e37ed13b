import { expect, test } from "vitest";
import { chosenSetup, doubled, firstChoice } from "../src/domain/places";
import { slots } from "../src/domain/slots";
import type { BotInfo, Channels, Setup } from "../src/gen/protocol";

const bot = (name: string, role: BotInfo["role"], standing: BotInfo["standing"] = "good"): BotInfo => ({
  bot: name,
  role,
  standing,
  user: "",
  application: "",
  name,
  invite: "",
});
const place = { gain: 1, muted: false, equalizer: { low_db: 0, mid_db: 0, high_db: 0 }, pan: 0 };
const channel = (id: string) => ({ channel: id, name: `#${id}`, category: "", limit: 0, stage: false, proposed: null });
const channels: Channels = {
  type: "channels",
  guild: "9",
  guild_name: "Cup",
  channels: ["1", "2", "3"].map(channel),
  sources: [{ channel: "1", bot: "red", name: "", ...place }],
  destinations: [{ channel: "3", bot: "casters", name: "", delay_s: 0, duck_db: 0, monitor: false }],
};
const empty: Setup = { guild: "9", guild_name: "Cup", sources: [], destinations: [], routes: [] };
const bots = [bot("red", "source"), bot("blue", "source"), bot("casters", "destination")];

test("as many slots as are wanted, ours first, no name twice", () => {
  const named = slots([bot("team-2", "source")], { source: 3, destination: 1 }).map((slot) => slot.bot);
  expect(named).toEqual(["team-2", "team-1", "team-3", "casters-1"]);
  expect(slots(bots, { source: 1, destination: 0 })).toHaveLength(3);
});

test("proposals first, and what was chosen before instead of them", () => {
  expect(firstChoice(empty, channels)).toEqual({ red: "1", casters: "3" });
  const before = { ...empty, sources: [{ channel: "2", bot: "red", name: "", ...place }] };
  expect(firstChoice(before, channels)).toEqual({ red: "2" });
  expect(firstChoice({ ...before, guild: "8" }, channels)).toEqual({ red: "1", casters: "3" });
});

test("a channel that stays keeps how it sounds, and takes the name it has now", () => {
  const before = { ...empty, sources: [{ channel: "1", bot: "blue", name: "old", ...place, gain: 0.4 }] };
  const chosen = chosenSetup(before, channels, bots, { red: "1", blue: "", casters: "3" });
  expect(chosen.sources).toEqual([{ channel: "1", bot: "red", name: "#1", ...place, gain: 0.4 }]);
  expect(chosen.destinations).toMatchObject([{ channel: "3", bot: "casters", name: "#3" }]);
});

test("routes stay only while the sources do: a new source would have none", () => {
  const routes = [{ source: "1", destination: "3", gain: 0.5 }];
  const sources = [{ channel: "1", bot: "red", name: "", ...place }];
  const before = { ...empty, sources, routes };
  expect(chosenSetup(before, channels, bots, { red: "1", casters: "3" }).routes).toEqual(routes);
  expect(chosenSetup(before, channels, bots, { red: "1", blue: "2", casters: "3" }).routes).toEqual([]);
});

test("a channel for two bots is found", () => {
  expect(doubled({ red: "1", blue: "1", casters: "3", other: "" })).toEqual(["1"]);
});
