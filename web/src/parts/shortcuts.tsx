// Keys that work everywhere, and the sheet that lists them. They can be switched off: a single letter is easily hit.

import { signal } from "@preact/signals";
import { t, type Key } from "../i18n";
import { go, PAGES } from "../state/route";
import { session, tell, undo } from "../state/store";
import { Dialog } from "./dialog";

const STORED = "single-keys";
export const singleKeys = signal(localStorage.getItem(STORED) !== "off");

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  localStorage.setItem(STORED, on ? "on" : "off");
}

/** Switch the kill switch over. */
export function toggleKill(): void {
  void tell({ type: "kill", active: !session.value?.kill });
}

const SHEET: readonly (readonly [string, Key])[] = [
  ["K", "keys.kill"],
  ["Ctrl+Z", "keys.undo"],
  ["M", "keys.mute"],
  ["S", "keys.solo"],
  ["← →", "keys.fader"],
  ["1–6", "keys.pages"],
  ["?", "keys.sheet"],
];

/** Follow the keyboard; returns how to stop. */
export function listenToKeys(onSheet: () => void): () => void {
  const listener = (event: KeyboardEvent) => onKey(event, onSheet);
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

function onKey(event: KeyboardEvent, onSheet: () => void): void {
  const target = event.target as HTMLElement;
  if (writes(target) || document.querySelector("dialog[open]") || event.altKey || event.repeat) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || !singleKeys.value) return;
  const key = event.key.toLowerCase();
  const opened = PAGES[Number(key) - 1];
  if (key === "k") toggleKill();
  else if (key === "?") onSheet();
  else if (opened) go(opened);
  else if (key === "m" || key === "s") press(target, key);
}

/** Whether a key is text here. */
function writes(target: HTMLElement): boolean {
  if (target instanceof HTMLInputElement) return !["range", "checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Press mute or solo of the strip that has the focus. */
function press(target: HTMLElement, key: "m" | "s"): void {
  const strip = target.closest("[data-strip]");
  strip?.querySelector<HTMLButtonElement>(key === "m" ? ".toggle.mute" : ".toggle.solo")?.click();
}

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      <dl class="keys">
        {SHEET.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">{t("keys.off_hint")}</p>
    </Dialog>
  );
}
