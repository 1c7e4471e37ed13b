// Which page is open, by the part of the address behind "#/".

import { computed, signal } from "@preact/signals";
import { desk, ready } from "./store";

export const PAGES = ["mixer", "chain", "setup", "settings", "history", "about"] as const;
export type Page = (typeof PAGES)[number];

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

/** The page that the address names; else the mixer once there is something to mix, and the set-up before. */
export const page = computed<Page>(() => {
  const named = PAGES.find((each) => hash.value === `#/${each}`);
  return named ?? (desk.value && !ready.value ? "setup" : "mixer");
});

export function go(to: Page): void {
  location.hash = `#/${to}`;
}
