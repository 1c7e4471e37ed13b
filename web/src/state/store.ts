// What the page knows: signals for what is drawn by Preact, a plain feed for the meters that are not.

import { batch, computed, signal } from "@preact/signals";
import { kept } from "../domain/chain";
import { inverse, keyOf, withStep, type Step } from "../domain/undo";
import type { Changed, Command, Desk, EngineCommand, Fault, Meters, SessionState } from "../gen/protocol";
import { CallError, Connection, type Event, type Link, type Payload, type Socket } from "./connection";
import { Throttle } from "./throttle";

export const link = signal<Link>("connecting");
export const desk = signal<Desk | null>(null);
/** `null` while no engine has told anything. */
export const session = signal<SessionState | null>(null);
/** The newest meters twice a second, for texts; bars take every reading from `onMeters`. */
export const slowMeters = signal<Meters | null>(null);
/** The readings of the last two seconds, changed twice a second: what the chain is judged by. */
export const readings = signal<readonly Meters[]>([]);
/** What went wrong last, until it is closed; at most five. */
export const notices = signal<readonly { readonly id: number; readonly fault: Fault }[]>([]);
export const steps = signal<readonly Step[]>([]);

export const running = computed(() => {
  const phase = session.value?.phase ?? "idle";
  return phase === "running" || phase === "degraded";
});
/** Whether a set-up exists that Start can start. */
export const ready = computed(() => {
  const setup = desk.value?.setup;
  return !!setup?.guild && setup.sources.length > 0 && setup.destinations.length > 0;
});
export const engineAway = computed(() => {
  const state = desk.value?.engine;
  return state !== undefined && state !== "ready";
});

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(darkSystem.matches);
darkSystem.addEventListener("change", () => (systemDark.value = darkSystem.matches));
/** What is drawn by hand looks at this for its colours. */
export const theme = computed(() => {
  const chosen = desk.value?.preferences.theme ?? "system";
  return chosen === "system" ? (systemDark.value ? "dark" : "light") : chosen;
});

const MOST_NOTICES = 5;
const SLOW_MS = 500;
const listeners = new Set<(meters: Meters) => void>();
let slowAt = 0;
let collected: readonly Meters[] = [];
let noticeId = 0;

/** Follow every reading of the meters; returns how to stop. */
export function onMeters(listener: (meters: Meters) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function onEvent(event: Event): void {
  if (event.type === "desk") desk.value = event;
  else if (event.type === "snapshot") session.value = event.state;
  else if (event.type === "changed") session.value = applied(session.value, event);
  else if (event.type === "meters") onReading(event);
  if (session.value?.phase === "idle" && steps.value.length > 0) steps.value = [];
}

/** A state with a change in force. */
export function applied(state: SessionState | null, changed: Changed): SessionState | null {
  const { type: _type, revision: _revision, ...fields } = changed;
  return state && { ...state, ...fields };
}

/** Nothing was read for so long: bars fall instead of standing where they were last seen. */
const STALE_MS = 400;
const FALL_MS = 4000;
const SILENT: Meters = {
  type: "meters",
  at_ms: 0,
  talkers: [],
  sources: [],
  destinations: [],
  engine: { ticks: 0, skipped: 0, residence_p50_ms: 0, residence_p99_ms: 0, lateness_p50_ms: 0, lateness_p99_ms: 0, drops: {} },
};
let readAt = -Infinity;

function fall(): void {
  const since = performance.now() - readAt;
  if (since < STALE_MS || since > FALL_MS) return;
  for (const listener of listeners) listener(SILENT);
}

function onReading(meters: Meters): void {
  readAt = performance.now();
  for (const listener of listeners) listener(meters);
  collected = kept(collected, meters);
  const now = performance.now();
  if (now - slowAt < SLOW_MS) return;
  slowAt = now;
  batch(() => {
    slowMeters.value = meters;
    readings.value = collected;
  });
}

function onLink(now: Link): void {
  link.value = now;
  if (now === "open") void connection.call({ type: "subscribe_meters", active: true }).catch(() => undefined);
}

const address = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
const connection = new Connection(() => new WebSocket(address()) as unknown as Socket, onEvent, onLink);

/** Begin. */
export function connect(): void {
  connection.connect();
  setInterval(fall, 50);
}

/** Carry out a command; rejects with a CallError. */
export function call(command: Command): Promise<Payload> {
  return connection.call(command);
}

/** Carry out a command; what goes wrong becomes a notice. Resolves with whether it went well. */
export async function tell(command: Command): Promise<boolean> {
  try {
    await connection.call(command);
    return true;
  } catch (error) {
    complain(faultsOf(error));
    return false;
  }
}

export function faultsOf(error: unknown): readonly Fault[] {
  if (error instanceof CallError) return error.faults;
  return [{ code: "internal", details: { reason: String(error) } }];
}

/** Show what went wrong; the same thing twice is shown once. */
export function complain(faults: readonly Fault[]): void {
  const others = notices.value.filter((notice) => !faults.some((fault) => fault.code === notice.fault.code));
  notices.value = [...others, ...faults.map((fault) => ({ id: ++noticeId, fault }))].slice(-MOST_NOTICES);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

const faders = new Throttle<EngineCommand>((command) => void tell(command));

/** Change something that can be undone. `fader`: many of these come in a row, so they are thinned out. */
export function change(command: EngineCommand, fader = false): void {
  const state = session.value;
  const back = state && inverse(command, state);
  const step = back ? { key: keyOf(command), back, at: performance.now() } : null;
  if (step) steps.value = withStep(steps.value, step);
  if (fader) faders.put(keyOf(command), command);
  else void tell(command).then((done) => done || forget(step));
}

/** What was refused changed nothing, so there is nothing to take back. */
function forget(step: Step | null): void {
  steps.value = steps.value.filter((each) => each !== step);
}

/** Take the last change back. */
export function undo(): void {
  const last = steps.value.at(-1);
  if (!last) return;
  steps.value = steps.value.slice(0, -1);
  void tell(last.back);
}
