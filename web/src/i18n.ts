// Sentences in the reader's language: those of the program (by error code) and those of the page (typed keys).

import { computed, effect, signal } from "@preact/signals";
import type { Fault, OutageState } from "./gen/protocol";
import type { Words } from "./locales";
import { desk } from "./state/store";

export type Key = keyof Words["page"];
type Details = Readonly<Record<string, string | number>>;
type Templates = Readonly<Record<string, string>>;

/** A file per language, fetched when the language is wanted. */
const FILES: Readonly<Record<string, () => Promise<{ readonly words: { readonly page: Templates; readonly common: Templates } }>>> = {
  en: () => import("./locales/en"),
  ja: () => import("./locales/ja"),
};

/** The language to be shown: the tray's word, or the browser's until the tray has spoken. */
const wanted = computed(() => {
  const name = desk.value?.shown ?? navigator.language.slice(0, 2);
  return name in FILES ? name : "en";
});

const words = signal<{ readonly language: string; readonly page: Templates; readonly common: Templates } | null>(null);

/** The language that is shown now. */
export const language = computed(() => words.value?.language ?? wanted.value);
/** Whether there are words at all yet. */
export const speaks = computed(() => words.value !== null);

effect(() => {
  const name = wanted.value;
  void FILES[name]?.().then((file) => {
    if (wanted.value === name) words.value = { language: name, ...file.words };
  });
});

/** Fill `{name}` with what is known of it; what isn't becomes "?". */
export function filled(template: string, details: Details): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? "?"));
}

/** A sentence of the page. */
export function t(key: Key, details: Details = {}): string {
  return filled(words.value?.page[key] ?? key, details);
}

/** A sentence of the page whose key is made at run time; `otherwise` if there is none. */
export function tMaybe(key: string, otherwise: Key, details: Details = {}): string {
  return filled(words.value?.page[key] ?? t(otherwise), details);
}

function common(key: string, details: Details): string | undefined {
  const known = words.value?.common ?? {};
  const template = known[key];
  if (template === undefined) return undefined;
  const named = { name: details["channel"] ?? "?", ...details };
  const shown = Object.entries(named).map(([name, text]) => [name, known[`${name}.${text}`] ?? text]);
  return filled(template, Object.fromEntries(shown) as Details);
}

/** What an error means and what to do. */
export function faultText(fault: Fault): string {
  const details = { ...fault.details, ...named(fault.details["bot"]) };
  return common(`error.${fault.code}`, details) ?? tMaybe(`fault.${fault.code}`, "fault.unknown", { ...details, code: fault.code });
}

/** A bot by the name that Discord shows, which is what people know it by. */
function named(bot: string | undefined): Details {
  const known = desk.value?.bots.find((each) => each.bot === bot);
  return known?.name ? { bot: known.name } : {};
}

/** Why a bot's connection was lost. */
export function outageText(outage: OutageState): string {
  const numbered = /^(.*)_(\d+)$/.exec(outage.cause);
  const details = { code: numbered?.[2] ?? "", cause: outage.cause };
  return common(`outage.${numbered?.[1] ?? outage.cause}`, details) ?? common("outage.unknown", details) ?? outage.cause;
}

/** The name of an equalizer preset. */
export function presetName(code: string): string {
  return common(`preset.${code}`, {}) ?? code;
}

/** A moment in the reader's way of writing. */
export function moment(ms: number): string {
  return new Date(ms).toLocaleString(language.value, { dateStyle: "medium", timeStyle: "short" });
}

/** A span: "4.2 s", "3 min 05 s", "2 h 10 min". */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return t("span.seconds", { seconds: seconds < 10 ? seconds.toFixed(1) : Math.round(seconds) });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t("span.minutes", { minutes, seconds: String(Math.floor(seconds % 60)).padStart(2, "0") });
  return t("span.hours", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
}
