// Which page is open, by the part of the address behind "#/".

import { computed, effect, signal } from "@preact/signals";
import { desk, ready } from "./store";

export const PAGES = ["mixer", "chain", "setup", "settings", "history", "about"] as const;
export type Page = (typeof PAGES)[number];

const hash = signal("");

/** What the tray's menu wants to be asked before it is done (`?ask=` behind the page's name); empty is nothing. */
export const asked = signal("");

// What is asked is asked once: it leaves the address, so that a reload does not ask again.
function read(): void {
  const [path = "", query = ""] = location.hash.split("?");
  if (query) {
    asked.value = new URLSearchParams(query).get("ask") ?? "";
    history.replaceState(null, "", path);
  }
  hash.value = path;
}

read();
addEventListener("hashchange", read);

const named = computed(() => PAGES.find((each) => hash.value === `#/${each}`));

export const page = computed<Page>(() => named.value ?? "mixer");

// Who comes without an address gets the mixer once there is something to mix, and the set-up before; they stay there
// when that changes.
effect(() => {
  if (named.value || !desk.value) return;
  history.replaceState(null, "", ready.value ? "#/mixer" : "#/setup");
  hash.value = location.hash;
});

export function go(to: Page): void {
  location.hash = `#/${to}`;
}
