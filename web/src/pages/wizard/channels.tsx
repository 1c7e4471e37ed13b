// Channels: one per bot, proposed by name, changeable.

import { useEffect, useState } from "preact/hooks";
import { chosenSetup, doubled, firstChoice, type Choice } from "../../domain/places";
import type { BotInfo, ChannelInfo, Channels } from "../../gen/protocol";
import { faultText, t, type Key } from "../../i18n";
import { Faults, Field, Loading, WorkButton, useWork } from "../../parts/basics";
import { call, desk } from "../../state/store";

export function ChannelsStep() {
  const { faults, run } = useWork();
  const [found, setFound] = useState<Channels | null>(null);
  const [choice, setChoice] = useState<Choice>({});
  const setup = desk.value?.setup;
  const guild = setup?.guild;
  useEffect(() => {
    if (!guild || !setup) return;
    void run(() => call({ type: "find_channels", guild })).then((payload) => {
      if (payload?.type !== "channels") return;
      setFound(payload);
      setChoice(firstChoice(setup, payload));
    });
  }, [guild]);
  if (faults.length > 0) return <Faults faults={faults} />;
  if (!found || !setup) return <Loading />;
  const bots = desk.value?.bots ?? [];
  const twice = doubled(choice);
  const lacks = (["source", "destination"] as const).some((role) => !bots.some((bot) => bot.role === role && choice[bot.bot]));
  const keep = async () => {
    await call({ type: "save_setup", setup: chosenSetup(setup, found, bots, choice) });
    await call({ type: "check_places" });
    await call({ type: "wizard_done", step: "channels" });
  };
  return (
    <div class="stack">
      <div class="stack tight">
        {bots.map((bot) => (
          <ChannelChoice
            key={bot.bot}
            bot={bot}
            channels={found.channels}
            value={choice[bot.bot] ?? ""}
            onChange={(channel) => setChoice({ ...choice, [bot.bot]: channel })}
          />
        ))}
      </div>
      {twice.map((channel) => (
        <p class="faults" role="alert" key={channel}>
          {faultText({ code: "channel_duplicate", details: { channel: nameOf(found, channel) } })}
        </p>
      ))}
      {lacks && <p class="hint">{t("wizard.channels_lacking")}</p>}
      <div class="actions">
        <WorkButton kind="primary" disabled={twice.length > 0 || lacks} work={keep}>
          {t("wizard.action.confirm_channels")}
        </WorkButton>
      </div>
    </div>
  );
}

const nameOf = (found: Channels, id: string) => found.channels.find((channel) => channel.channel === id)?.name ?? id;

interface ChoiceProps {
  bot: BotInfo;
  channels: readonly ChannelInfo[];
  value: string;
  onChange: (channel: string) => void;
}

function ChannelChoice({ bot, channels, value, onChange }: ChoiceProps) {
  const categories = [...new Set(channels.map((channel) => channel.category))];
  const label = t("wizard.channel_of", { name: bot.name || bot.bot, role: t(`role.${bot.role}` as Key) });
  return (
    <Field label={label}>
      {(ids) => (
        <select {...ids} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{t("wizard.no_channel")}</option>
          {categories.map((category) => (
            <optgroup key={category} label={category || t("wizard.no_category")}>
              {channels
                .filter((channel) => channel.category === category)
                .map((channel) => (
                  <option key={channel.channel} value={channel.channel} disabled={channel.stage}>
                    {channelText(channel, bot)}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      )}
    </Field>
  );
}

function channelText(channel: ChannelInfo, bot: BotInfo): string {
  const notes = [
    channel.stage ? t("wizard.stage") : "",
    channel.limit > 0 ? t("wizard.limit", { count: channel.limit }) : "",
    channel.proposed === bot.role ? t("wizard.proposed") : "",
  ].filter((note) => note !== "");
  return notes.length > 0 ? `${channel.name} (${notes.join(t("list.and"))})` : channel.name;
}
