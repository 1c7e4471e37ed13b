// The command that takes another one back. Pure: it reads how things stood before.

import type { EngineCommand, SessionState } from "../gen/protocol";

/** How many changes can be taken back. */
export const MOST = 50;

/** What restores what `command` is about to change; `null` for commands that nothing takes back. */
export function inverse(command: EngineCommand, state: SessionState): EngineCommand | null {
  const talker = "user" in command ? state.talkers.find((each) => each.user === command.user) : undefined;
  const source = "source" in command ? state.spec?.sources.find((each) => each.channel === command.source) : undefined;
  const place =
    "destination" in command ? state.spec?.destinations.find((each) => each.channel === command.destination) : undefined;
  switch (command.type) {
    case "set_talker_gain":
      return talker ? { ...command, gain: talker.strip.gain } : null;
    case "mute_talker":
      return talker ? { ...command, muted: talker.strip.muted } : null;
    case "set_talker_suppression":
      return talker ? { ...command, suppression: talker.strip.suppression } : null;
    case "set_talker_levelling":
      return talker ? { ...command, levelling: talker.strip.levelling } : null;
    case "set_talker_high_pass":
      return talker ? { ...command, high_pass: talker.strip.high_pass } : null;
    case "set_talker_priority":
      return talker ? { ...command, priority: talker.strip.priority } : null;
    case "solo_talker":
      return talker ? { ...command, solo: talker.solo } : null;
    case "set_source_gain":
      return source ? { ...command, gain: source.gain } : null;
    case "mute_source":
      return source ? { ...command, muted: source.muted } : null;
    case "set_source_equalizer":
      return source ? { ...command, equalizer: source.equalizer } : null;
    case "set_source_pan":
      return source ? { ...command, pan: source.pan } : null;
    case "solo_source": {
      const standing = state.sources.find((each) => each.source === command.source);
      return standing ? { ...command, solo: standing.solo } : null;
    }
    case "set_route_gain":
      return { ...command, gain: routeGain(state, command.source, command.destination) };
    case "set_destination_delay":
      return place ? { ...command, delay_s: place.delay_s } : null;
    case "set_destination_ducking":
      return place ? { ...command, duck_db: place.duck_db } : null;
    case "set_destination_monitor":
      return place ? { ...command, monitor: place.monitor } : null;
    case "set_loudness":
      return state.spec ? { ...command, loudness: state.spec.loudness } : null;
    default:
      return null;
  }
}

/** What a command moves: two commands with one key are one movement of a fader. */
export function keyOf(command: EngineCommand): string {
  const subject = ["user", "source", "destination"].map((name) => (command as unknown as Record<string, unknown>)[name]);
  return [command.type, ...subject].join(" ");
}

/** A route's gain; no routes at all means every source to every destination at 100 %. */
export function routeGain(state: SessionState, source: string, destination: string): number {
  const routes = state.spec?.routes ?? [];
  if (routes.length === 0) return 1;
  return routes.find((route) => route.source === source && route.destination === destination)?.gain ?? 0;
}

export interface Step {
  readonly key: string;
  readonly back: EngineCommand;
  readonly at: number;
}

/** Movements of one fader that follow within this are one change. */
export const TOGETHER_MS = 1000;

/** The steps with one more, at most MOST; a fader on its way keeps the step that its movement began with. */
export function withStep(steps: readonly Step[], step: Step): readonly Step[] {
  const last = steps.at(-1);
  if (last && last.key === step.key && step.at - last.at < TOGETHER_MS) {
    return [...steps.slice(0, -1), { ...last, at: step.at }];
  }
  return [...steps, step].slice(-MOST);
}
