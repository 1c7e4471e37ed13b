// From counters and bots to a chain of hops per source, and the first one that fails with its cause. Pure.

import type { BotState, DestinationMeter, Hop, Meters, SessionState, SourceMeter } from "../gen/protocol";

/** `quiet`: nobody talks, so nothing can be said; `waiting`: what comes before it fails or is quiet. */
export type HopStanding = "good" | "quiet" | "waiting" | "failed";

export interface HopView {
  readonly hop: Hop;
  readonly standing: HopStanding;
  /** Packets a second over the last two seconds. */
  readonly rate: number;
}

/** Why a hop fails: a key of the page's sentences (`cause.<name>`), or an error code of the bot. */
export interface Cause {
  readonly kind: "own" | "error";
  readonly code: string;
  readonly details: Readonly<Record<string, string>>;
}

export interface Chain {
  readonly source: string;
  readonly name: string;
  readonly hops: readonly HopView[];
  readonly cause: Cause | null;
}

/** The span over which rates are taken. */
export const SPAN_MS = 2000;
/** Passing less than this share of what came before counts as failing. */
const ENOUGH = 0.5;
/** Fewer packets a second than this is nobody talking. */
const TALK_RATE = 2;
/** Reasons for drops that say something about a hop, worst first; others are counted but explain nothing. */
const REASONS: Readonly<Record<"decrypted" | "decoded" | "sent", readonly string[]>> = {
  decrypted: [
    "dave_no_decryptor",
    "dave_no_cryptor",
    "dave_refused",
    "dave_in_transition",
    "dave_unencrypted",
    "transport_refused",
    "unknown_ssrc",
    "bad_padding",
  ],
  decoded: ["corrupt_opus", "late", "overflow", "door_full", "stale"],
  sent: ["not_connected", "dave_not_ready", "socket_full", "socket_error", "nonce_exhausted"],
};

/** The readings of the last seconds, oldest first, without those that are no longer needed at `now`. */
export function kept(readings: readonly Meters[], newest: Meters): readonly Meters[] {
  const last = readings.at(-1);
  if (last && newest.at_ms < last.at_ms) return [newest];
  const from = newest.at_ms - SPAN_MS;
  const first = readings.findLastIndex((reading) => reading.at_ms <= from);
  return [...readings.slice(Math.max(0, first)), newest];
}

/** One chain per source. Of several destinations the one that gets least of what is mixed stands for all. */
export function chains(state: SessionState, readings: readonly Meters[]): readonly Chain[] {
  const [before, now] = [readings[0], readings.at(-1)];
  return (state.spec?.sources ?? []).map((spec) => {
    const bot = botAt(state, spec.channel);
    const name = spec.name || bot?.name || spec.channel;
    const ways = state.spec?.destinations.filter((place) => isOpen(state, spec.channel, place.channel)) ?? [];
    const rates = ratesOf(spec.channel, before, now);
    const sent = ways.map((way) => sending(state, way.channel, way.delay_s > 0, before, now));
    return judged({ source: spec.channel, name, state, bot, rates, sent, muted: spec.muted });
  });
}

interface Sending {
  readonly bot: BotState | undefined;
  /** What goes out was said earlier, so that it says nothing of who talks now; nor do mixed packets count there. */
  readonly delayed: boolean;
  readonly rate: number;
  readonly drops: Readonly<Record<string, number>>;
}

interface Case {
  readonly source: string;
  readonly name: string;
  readonly state: SessionState;
  readonly bot: BotState | undefined;
  readonly rates: Rates;
  readonly sent: readonly Sending[];
  readonly muted: boolean;
}

interface Rates {
  readonly received: number;
  readonly decrypted: number;
  readonly decoded: number;
  readonly mixed: number;
  readonly drops: Readonly<Record<string, number>>;
}

function judged(given: Case): Chain {
  const { rates, sent, bot } = given;
  const worst = [...sent].sort((a, b) => a.rate - b.rate)[0];
  const values: Record<Hop, number> = { ...rates, sent: worst?.rate ?? 0, heard: worst?.rate ?? 0 };
  const failure = firstFailure(given, worst);
  const quiet = !failure && rates.received < TALK_RATE;
  const order: readonly Hop[] = ["received", "decrypted", "decoded", "mixed", "sent", "heard"];
  const failedAt = failure ? order.indexOf(failure.hop) : order.length;
  const hops = order.map((hop, index): HopView => {
    const standing = index > failedAt ? "waiting" : index === failedAt ? "failed" : quiet ? "quiet" : "good";
    return { hop, standing: hop === "received" && quiet && bot ? "quiet" : standing, rate: values[hop] };
  });
  return { source: given.source, name: given.name, hops, cause: failure?.cause ?? null };
}

function firstFailure(given: Case, worst: Sending | undefined): { hop: Hop; cause: Cause } | null {
  const { rates, bot, state } = given;
  const inbound = botFault(bot);
  if (inbound) return { hop: "received", cause: inbound };
  const talks = rates.received >= TALK_RATE;
  if (talks && rates.decrypted < rates.received * ENOUGH) return failed("decrypted", rates.drops, "undecrypted");
  if (talks && rates.decoded < rates.decrypted * ENOUGH) return failed("decoded", rates.drops, "undecoded");
  if (given.muted) return { hop: "mixed", cause: own("source_muted") };
  // Packets count as mixed where a destination took them, so what keeps all destinations from that comes first.
  if (!worst) return { hop: "sent", cause: own("no_route") };
  const outbound = given.sent.map((way) => botFault(way.bot)).find((cause) => cause !== null);
  if (outbound) return { hop: "sent", cause: outbound };
  if (state.kill) return { hop: "heard", cause: own("kill") };
  const live = given.sent.filter((way) => !way.delayed).sort((a, b) => a.rate - b.rate)[0];
  if (talks && live && rates.mixed < TALK_RATE) return { hop: "mixed", cause: own("strips_muted") };
  if (talks && live && live.rate < TALK_RATE) return failed("sent", live.drops, "unsent");
  const deaf = given.sent.map((way) => way.bot?.cause).find((cause) => cause !== null && cause !== undefined);
  return deaf ? { hop: "heard", cause: { kind: "error", code: deaf, details: detailsOf(worst.bot) } } : null;
}

function failed(hop: keyof typeof REASONS, drops: Readonly<Record<string, number>>, otherwise: string) {
  const known = REASONS[hop].filter((reason) => (drops[reason] ?? 0) > 0);
  const reason = known.sort((a, b) => (drops[b] ?? 0) - (drops[a] ?? 0))[0];
  return { hop, cause: own(reason ?? otherwise) };
}

const own = (code: string): Cause => ({ kind: "own", code, details: {} });
const detailsOf = (bot: BotState | undefined): Record<string, string> => ({ bot: bot?.name || bot?.bot || "?" });

/** Why a bot brings nothing; `null` while it is connected, or still on its first way in. */
function botFault(bot: BotState | undefined): Cause | null {
  if (!bot) return own("no_bot");
  if (bot.link === "connected" && bot.cause !== "server_deafened") return null;
  if (bot.cause) return { kind: "error", code: bot.cause, details: detailsOf(bot) };
  const named = { kind: "own" as const, details: detailsOf(bot) };
  return { ...named, code: `link_${bot.link}` };
}

function botAt(state: SessionState, channel: string): BotState | undefined {
  return state.bots.find((bot) => bot.channel === channel) ?? state.bots.find((bot) => bot.bot === wanted(state, channel));
}

function wanted(state: SessionState, channel: string): string | undefined {
  const places = [...(state.spec?.sources ?? []), ...(state.spec?.destinations ?? [])];
  return places.find((place) => place.channel === channel)?.bot;
}

/** Whether a route lets anything through; no routes at all means every source to every destination. */
function isOpen(state: SessionState, source: string, destination: string): boolean {
  const routes = state.spec?.routes ?? [];
  if (routes.length === 0) return true;
  return routes.some((route) => route.source === source && route.destination === destination && route.gain > 0);
}

function ratesOf(source: string, before: Meters | undefined, now: Meters | undefined): Rates {
  const [first, last] = [before, now].map((at) => at?.sources.find((meter) => meter.source === source));
  const span = Math.max(1, (now?.at_ms ?? 0) - (before?.at_ms ?? 0)) / 1000;
  const rate = (hop: keyof Omit<SourceMeter, "source" | "drops">) =>
    first && last ? Math.max(0, last[hop] - first[hop]) / span : 0;
  return {
    received: rate("received"),
    decrypted: rate("decrypted"),
    decoded: rate("decoded"),
    mixed: rate("mixed"),
    drops: grown(first?.drops, last?.drops),
  };
}

function sending(
  state: SessionState,
  channel: string,
  delayed: boolean,
  before: Meters | undefined,
  now: Meters | undefined,
): Sending {
  const find = (at: Meters | undefined): DestinationMeter | undefined =>
    at?.destinations.find((meter) => meter.destination === channel);
  const [first, last] = [find(before), find(now)];
  const span = Math.max(1, (now?.at_ms ?? 0) - (before?.at_ms ?? 0)) / 1000;
  const rate = first && last ? Math.max(0, last.sent - first.sent) / span : 0;
  return { bot: botAt(state, channel), delayed, rate, drops: grown(first?.drops, last?.drops) };
}

function grown(before: Readonly<Record<string, number>> = {}, now: Readonly<Record<string, number>> = {}) {
  return Object.fromEntries(Object.entries(now).map(([reason, count]) => [reason, count - (before[reason] ?? 0)]));
}
