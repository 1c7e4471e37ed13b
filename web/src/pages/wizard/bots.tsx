// Bots: for each one an application at Discord, and its token.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { slots, usable, type Slot } from "../../domain/slots";
import { LINKS, type BotInfo } from "../../gen/protocol";
import { t, type Key } from "../../i18n";
import { Button, Field, WorkButton } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import { TokenField } from "../../parts/token";
import { call, desk } from "../../state/store";
import { Guide, openOutside } from "./guide";
import { absentFrom, chooseGuild, guilds, useGuilds } from "./guilds";
import { done } from "./next";

/** Two teams and the casters: what most matches have. */
const wanted = signal({ source: 2, destination: 1 });

export function BotsStep() {
  const known = desk.value;
  const [started] = useState(() => !slots(known?.bots ?? [], wanted.value).every((slot) => usable(slot.known)));
  const all = slots(known?.bots ?? [], wanted.value);
  const complete = all.every((slot) => usable(slot.known));
  useGuilds(all.some((slot) => usable(slot.known)));
  const only = guilds.value?.length === 1 ? guilds.value[0] : undefined;
  const chosen = known?.setup.guild;
  // The first bot's server is the others' too: their invitations open with it.
  useEffect(() => {
    if (only && !chosen) void chooseGuild(only);
  }, [only?.guild, chosen]);
  const moveOn = started && complete && only !== undefined && only.absent.length === 0;
  useEffect(() => {
    if (moveOn && only && (!chosen || chosen === only.guild)) void chooseGuild(only).then((kept) => kept && done("bots"));
  }, [moveOn]);
  const first = all.find((slot) => !usable(slot.known));
  const enough = known?.bots.some((bot) => bot.role === "source" && usable(bot)) && known.bots.some((bot) => bot.role === "destination" && usable(bot));
  return (
    <div class="stack">
      <ol class="slots">
        {all.map((slot) => (
          <SlotView key={slot.bot} slot={slot} open={slot === first} />
        ))}
      </ol>
      <div class="actions">
        <Button onClick={() => (wanted.value = { ...wanted.value, source: all.filter((slot) => slot.role === "source").length + 1 })}>
          {t("wizard.add_team")}
        </Button>
        <Button
          onClick={() => (wanted.value = { ...wanted.value, destination: all.filter((slot) => slot.role === "destination").length + 1 })}
        >
          {t("wizard.add_destination")}
        </Button>
        <Button kind="primary" disabled={!enough} onClick={() => void done("bots")}>
          {t("action.next")}
        </Button>
      </div>
    </div>
  );
}

export function slotName(slot: { role: string; number: number }): string {
  return t(`wizard.slot_${slot.role}` as Key, { number: slot.number });
}

function SlotView({ slot, open }: { slot: Slot; open: boolean }) {
  return (
    <li class={`slot ${usable(slot.known) ? "good" : ""} ${open ? "open" : ""}`}>
      <h3>
        <span class="step-mark" aria-hidden="true">
          {usable(slot.known) ? <Icon name="check" /> : <Icon name="dash" />}
        </span>
        {slotName(slot)}
        {slot.known?.name && <span class="slot-name">{slot.known.name}</span>}
      </h3>
      {slot.known && usable(slot.known) && <KnownBot bot={slot.known} />}
      {open && <NewBot slot={slot} />}
    </li>
  );
}

function NewBot({ slot }: { slot: Slot }) {
  const name = t(`wizard.bot_name_${slot.role}` as Key, { number: slot.number });
  const kept = () => {
    const invite = desk.value?.bots.find((bot) => bot.bot === slot.bot)?.invite;
    if (invite) openOutside(invite);
  };
  return (
    <div class="stack tight">
      <Guide
        address={LINKS.new_application}
        action="wizard.action.open_new_application"
        then={["wizard.action.paste_its_name", "wizard.action.create"]}
        text={name}
      />
      <Guide
        address={LINKS.bot_page}
        action="wizard.action.open_bot_page"
        then={["wizard.action.reset_token", "wizard.action.confirm_reset", "wizard.action.copy_token"]}
      />
      <TokenField bot={slot.bot} role={slot.role} label={t("wizard.action.paste_token")} onKept={kept} />
    </div>
  );
}

function KnownBot({ bot }: { bot: BotInfo }) {
  const [dressing, setDressing] = useState(false);
  const absent = absentFrom(bot.bot);
  return (
    <>
      <div class="row">
        <span class={absent === false ? "verdict good" : "hint"}>
          {absent === false ? t("wizard.in_server") : t("wizard.not_in_server")}
        </span>
        <span class="buttons">
          {absent !== false && bot.invite && <InviteButton bot={bot} />}
          <Button kind="quiet" aria-expanded={dressing} onClick={() => setDressing(!dressing)}>
            {t("wizard.dress")}
          </Button>
        </span>
      </div>
      {dressing && <Dress bot={bot} onDone={() => setDressing(false)} />}
    </>
  );
}

export function InviteButton({ bot }: { bot: BotInfo }) {
  return (
    <Button kind="primary" onClick={() => openOutside(bot.invite)}>
      <Icon name="open" />
      {t("wizard.invite_button", { name: bot.name || bot.bot })}
    </Button>
  );
}

/** A bot's name and picture on Discord. */
function Dress({ bot, onDone }: { bot: BotInfo; onDone: () => void }) {
  const [name, setName] = useState(bot.name);
  const good = name.trim().length >= 2 && name.trim().length <= 32;
  return (
    <Field label={t("wizard.dress_name")} hint={t("wizard.dress_hint")}>
      {(ids) => (
        <span class="with-button">
          <input {...ids} maxLength={32} value={name} onInput={(event) => setName(event.currentTarget.value)} />
          <WorkButton disabled={!good} work={() => call({ type: "dress_bot", bot: bot.bot, name: name.trim() }).then(onDone)}>
            {t("action.set")}
          </WorkButton>
        </span>
      )}
    </Field>
  );
}
