// Into the server: an invitation per bot, and which server it is.

import { useEffect } from "preact/hooks";
import { t } from "../../i18n";
import { Empty, Faults, Loading } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import { desk } from "../../state/store";
import { InviteButton } from "./bots";
import { absentFrom, chooseGuild, guildFaults, guilds, useGuilds } from "./guilds";
import { Next } from "./next";

export function InviteStep() {
  useGuilds(true);
  const known = desk.value;
  const bots = known?.bots ?? [];
  const chosen = guilds.value?.find((guild) => guild.guild === known?.setup.guild);
  // Only where none was chosen: another server's channels would be forgotten.
  const only = !known?.setup.guild && guilds.value?.length === 1 ? guilds.value[0] : undefined;
  useEffect(() => {
    if (only) void chooseGuild(only);
  }, [only?.guild]);
  return (
    <div class="stack">
      <ul class="rows">
        {bots.map((bot) => (
          <li key={bot.bot}>
            <div class="row">
              <strong>{bot.name || bot.bot}</strong>
              {absentFrom(bot.bot) === false ? (
                <span class="verdict good">
                  <Icon name="check" />
                  {t("wizard.in_server")}
                </span>
              ) : (
                bot.invite && <InviteButton bot={bot} />
              )}
            </div>
          </li>
        ))}
      </ul>
      <Servers />
      <Faults faults={guildFaults.value} />
      <Next step="invite" disabled={!chosen || chosen.absent.length > 0} />
    </div>
  );
}

function Servers() {
  const found = guilds.value;
  if (!found) return <Loading />;
  if (found.length === 0) return <Empty title={t("wizard.no_servers")} />;
  return (
    <fieldset class="servers">
      <legend>{t("wizard.choose_server")}</legend>
      {found.map((guild) => (
        <label key={guild.guild}>
          <input
            type="radio"
            name="guild"
            checked={desk.value?.setup.guild === guild.guild}
            onChange={() => void chooseGuild(guild)}
          />
          <span>{guild.name}</span>
          <span class="hint">
            {guild.absent.length === 0 ? t("wizard.all_here") : t("wizard.absent", { count: guild.absent.length })}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
