// How a bot is, in a line, with the way out where a person is needed.

import type { BotState } from "../gen/protocol";
import { faultText, t, type Key } from "../i18n";
import { go } from "../state/route";
import { call } from "../state/store";
import { Button, Spinner, WorkButton } from "./basics";

/** What a place shows of its bot; nothing to do is said in two words. */
export function BotLine({ bot }: { bot: BotState | undefined }) {
  if (!bot) return <p class="botline bad">{t("cause.no_bot")}</p>;
  const fine = bot.link === "connected" && !bot.cause;
  return (
    <div class={`botline ${fine ? "good" : "bad"}`}>
      <p>
        {(bot.link === "connecting" || bot.link === "recovering") && <Spinner />}
        <span class="botline-name">{bot.name || bot.bot}</span>
        <span>{t(`link.${bot.link}` as Key)}</span>
        {bot.link === "connected" && <span>{t(bot.encryption > 0 ? "link.encrypted" : "link.unencrypted")}</span>}
      </p>
      {bot.cause && <p>{faultText({ code: bot.cause, details: { bot: bot.name || bot.bot } })}</p>}
      {bot.link === "kicked" && (
        <WorkButton work={() => call({ type: "rejoin_bot", bot: bot.bot })}>{t("action.rejoin")}</WorkButton>
      )}
      {(bot.cause === "token_revoked" || bot.cause === "token_invalid") && (
        <Button onClick={() => go("settings")}>{t("action.new_token")}</Button>
      )}
    </div>
  );
}
