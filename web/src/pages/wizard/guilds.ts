// Which servers our bots are in: asked again whenever somebody comes back from Discord's pages.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Fault, GuildInfo } from "../../gen/protocol";
import { call, desk, faultsOf, tell } from "../../state/store";

/** `null`: not asked yet. */
export const guilds = signal<readonly GuildInfo[] | null>(null);
export const guildFaults = signal<readonly Fault[]>([]);

/** Discord is asked this often while somebody is at it. */
const AGAIN_MS = 4000;

let asking = false;

export async function findGuilds(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    const payload = await call({ type: "find_guilds" });
    if (payload?.type === "guilds") guilds.value = payload.guilds;
    guildFaults.value = [];
  } catch (error) {
    guildFaults.value = faultsOf(error);
  } finally {
    asking = false;
  }
}

/** Ask now, when the window is looked at again, and every few seconds meanwhile. */
export function useGuilds(active: boolean): void {
  useEffect(() => {
    if (!active) return undefined;
    const ask = () => {
      if (document.visibilityState === "visible") void findGuilds();
    };
    ask();
    const timer = setInterval(ask, AGAIN_MS);
    addEventListener("focus", ask);
    return () => {
      clearInterval(timer);
      removeEventListener("focus", ask);
    };
  }, [active]);
}

/** Whether a bot isn't in the server yet; `undefined` while that isn't known. */
export function absentFrom(bot: string): boolean | undefined {
  const chosen = desk.value?.setup.guild;
  const known = chosen ? guilds.value?.find((guild) => guild.guild === chosen) : guilds.value?.[0];
  if (chosen && guilds.value && !known) return true;
  return known && known.absent.includes(bot);
}

/** Take a server; the places of another one are forgotten. */
export function chooseGuild(guild: GuildInfo): Promise<boolean> {
  const before = desk.value?.setup;
  const places = before?.guild === guild.guild ? before : { sources: [], destinations: [], routes: [] };
  const { sources, destinations, routes } = places;
  return tell({ type: "save_setup", setup: { guild: guild.guild, guild_name: guild.name, sources, destinations, routes } });
}
