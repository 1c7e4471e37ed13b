// The bots that a set-up needs: one per team, one for the casters. Pure.

import type { BotInfo, Role } from "../gen/protocol";

export interface Slot {
  /** The name under which the bot's token is kept. */
  readonly bot: string;
  readonly role: Role;
  /** The nth of its role, from 1. */
  readonly number: number;
  readonly known: BotInfo | undefined;
}

/** A token that is there and not refused. */
export function usable(bot: BotInfo | undefined): boolean {
  return bot !== undefined && bot.standing !== "missing" && bot.standing !== "invalid";
}

const PREFIX: Readonly<Record<Role, string>> = { source: "team", destination: "casters" };

/** Bots of ours in their order, then as many new ones as are wanted. */
export function slots(bots: readonly BotInfo[], wanted: Readonly<Record<Role, number>>): readonly Slot[] {
  return [...ofRole("source", bots, wanted.source), ...ofRole("destination", bots, wanted.destination)];
}

function ofRole(role: Role, bots: readonly BotInfo[], wanted: number): readonly Slot[] {
  const known = bots.filter((bot) => bot.role === role);
  const names = new Set(bots.map((bot) => bot.bot));
  const all: Slot[] = known.map((bot, index) => ({ bot: bot.bot, role, number: index + 1, known: bot }));
  for (let number = 1; all.length < wanted; number += 1) {
    const bot = `${PREFIX[role]}-${number}`;
    if (!names.has(bot)) all.push({ bot, role, number: all.length + 1, known: undefined });
  }
  return all;
}
