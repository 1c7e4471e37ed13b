// Which bot sits in which channel, from proposals and a person's choices to a set-up. Pure.

import type { BotInfo, Channels, DestinationSpec, Setup, SourceSpec } from "../gen/protocol";

/** Bot → channel; bots that are left out have no place. */
export type Choice = Readonly<Record<string, string>>;

/** What to show first: what was chosen before in this server, else what is proposed. */
export function firstChoice(setup: Setup, channels: Channels): Choice {
  const kept = setup.guild === channels.guild ? [...setup.sources, ...setup.destinations] : [];
  const there = kept.filter((place) => channels.channels.some((channel) => channel.channel === place.channel));
  const places = there.length > 0 ? there : [...channels.sources, ...channels.destinations];
  return Object.fromEntries(places.map((place) => [place.bot, place.channel]));
}

/** Channels that were chosen for more than one bot. */
export function doubled(choice: Choice): readonly string[] {
  const chosen = Object.values(choice).filter((channel) => channel !== "");
  return [...new Set(chosen.filter((channel, index) => chosen.indexOf(channel) !== index))];
}

/** The set-up with these places; a place that stays keeps how it sounds. */
export function chosenSetup(setup: Setup, channels: Channels, bots: readonly BotInfo[], choice: Choice): Setup {
  const placed = bots.filter((bot) => choice[bot.bot]);
  const nameOf = (id: string) => channels.channels.find((channel) => channel.channel === id)?.name ?? id;
  const sources = placed.filter((bot) => bot.role === "source").map((bot): SourceSpec => {
    const channel = choice[bot.bot] as string;
    const before = setup.sources.find((each) => each.channel === channel);
    return { ...(before ?? newSource(channel)), bot: bot.bot, name: nameOf(channel) };
  });
  const destinations = placed.filter((bot) => bot.role === "destination").map((bot): DestinationSpec => {
    const channel = choice[bot.bot] as string;
    const before = setup.destinations.find((each) => each.channel === channel);
    return { ...(before ?? newDestination(channel)), bot: bot.bot, name: nameOf(channel) };
  });
  const ids = new Set([...sources, ...destinations].map((place) => place.channel));
  const routes = setup.routes.filter((route) => ids.has(route.source) && ids.has(route.destination));
  const same = sources.every((each) => setup.sources.some((before) => before.channel === each.channel));
  return { guild: channels.guild, guild_name: channels.guild_name, sources, destinations, routes: same ? routes : [] };
}

function newSource(channel: string): Omit<SourceSpec, "bot" | "name"> {
  return { channel, gain: 1, muted: false, equalizer: { low_db: 0, mid_db: 0, high_db: 0 }, pan: 0 };
}

function newDestination(channel: string): Omit<DestinationSpec, "bot" | "name"> {
  return { channel, delay_s: 0, duck_db: 0, monitor: false };
}
