// From the player's mouth to the caster's ear, source by source: where sound stops, why, and what to do.

import { chains, type Cause, type Chain, type HopView } from "../domain/chain";
import { faultText, tMaybe, t, type Key } from "../i18n";
import { BotLine } from "../parts/botline";
import { Empty } from "../parts/basics";
import { Icon, type IconName } from "../parts/icons";
import { hopName } from "../parts/sound_check";
import { engineAway, readings, running, session } from "../state/store";

const MARK: Readonly<Record<HopView["standing"], IconName>> = { good: "check", quiet: "dash", waiting: "dash", failed: "cross" };

export function ChainPage() {
  const state = session.value;
  if (engineAway.value) {
    return (
      <Empty title={t("chain.away")}>
        <p>{t("chain.away_text")}</p>
      </Empty>
    );
  }
  if (!state || !running.value) {
    return (
      <Empty title={t("chain.idle")}>
        <p>{t("chain.idle_text")}</p>
      </Empty>
    );
  }
  return (
    <div class="chains">
      {chains(state, readings.value).map((chain) => (
        <ChainView key={chain.source} chain={chain} />
      ))}
      <section class="card">
        <h2>{t("chain.bots")}</h2>
        {state.bots.map((bot) => (
          <BotLine key={bot.bot} bot={bot} />
        ))}
      </section>
      <Machine />
    </div>
  );
}

function ChainView({ chain }: { chain: Chain }) {
  const quiet = chain.hops.some((hop) => hop.standing === "quiet");
  return (
    <section class="card" aria-label={chain.name}>
      <h2>{chain.name}</h2>
      <ol class="hops">
        {chain.hops.map((hop) => (
          <li key={hop.hop} class={hop.standing}>
            <span class="hop-mark">
              <Icon name={MARK[hop.standing]} />
            </span>
            <strong>{hopName(hop.hop)}</strong>
            <span>{t(`standing.${hop.standing}` as Key)}</span>
            <span class="hop-rate">{t("chain.rate", { rate: Math.round(hop.rate) })}</span>
          </li>
        ))}
      </ol>
      {chain.cause && (
        <p class="cause" role="alert">
          {causeText(chain.cause)}
        </p>
      )}
      {!chain.cause && <p class="hint">{t(quiet ? "chain.quiet" : "chain.good")}</p>}
    </section>
  );
}

function causeText(cause: Cause): string {
  if (cause.kind === "error") return faultText({ code: cause.code, details: cause.details });
  return tMaybe(`cause.${cause.code}`, "cause.unknown", { ...cause.details, code: cause.code });
}

/** Whether this computer keeps up. */
function Machine() {
  const engine = readings.value.at(-1)?.engine;
  if (!engine) return null;
  return (
    <section class="card">
      <h2>{t("chain.machine")}</h2>
      <dl class="facts">
        <dt>{t("chain.residence")}</dt>
        <dd>
          {engine.residence_p50_ms.toFixed(1)} / {engine.residence_p99_ms.toFixed(1)} ms
        </dd>
        <dt>{t("chain.lateness")}</dt>
        <dd>
          {engine.lateness_p50_ms.toFixed(1)} / {engine.lateness_p99_ms.toFixed(1)} ms
        </dd>
        <dt>{t("chain.skipped")}</dt>
        <dd>{engine.skipped}</dd>
      </dl>
    </section>
  );
}
