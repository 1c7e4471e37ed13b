// The sound check: one bot plays a chirp where the casters are, another one hears it there.

import { useState } from "preact/hooks";
import { levelText } from "../domain/levels";
import type { Hop, SoundCheckResult } from "../gen/protocol";
import { faultText, t, type Key } from "../i18n";
import { call, desk, running, session } from "../state/store";
import { Faults, Spinner, Button, useWork } from "./basics";
import { Icon } from "./icons";

/** Who can listen: a bot without a place in the session, else a source's, which comes back afterwards. */
export function listenerFor(bots: readonly string[], taken: readonly string[], sources: readonly string[]): string | undefined {
  return bots.find((bot) => !taken.includes(bot)) ?? sources[0];
}

export function SoundCheckButton({ destination }: { destination: string }) {
  const { busy, faults, run } = useWork();
  const [result, setResult] = useState<SoundCheckResult | null>(null);
  const spec = session.value?.spec;
  const live = session.value?.match === "live";
  const sources = spec?.sources.map((each) => each.bot) ?? [];
  const taken = [...sources, ...(spec?.destinations.map((each) => each.bot) ?? [])];
  const usable = desk.value?.bots.filter((bot) => bot.standing === "good").map((bot) => bot.bot) ?? [];
  const listener = listenerFor(usable, taken, sources);
  const check = async () => {
    setResult(null);
    if (!listener) return;
    const payload = await run(() => call({ type: "sound_check", destination, listener }));
    if (payload?.type === "sound_check_result") setResult(payload);
  };
  return (
    <div class="sound-check">
      <Button disabled={busy || live || !listener || !running.value} onClick={() => void check()}>
        {busy && <Spinner />}
        {t("sound.check")}
      </Button>
      <p class="hint">{t(live ? "sound.not_live" : listener && sources.includes(listener) ? "sound.borrows" : "sound.hint")}</p>
      {busy && <p role="status">{t("sound.listening")}</p>}
      <Faults faults={faults} />
      {result && <Result result={result} />}
    </div>
  );
}

function Result({ result }: { result: SoundCheckResult }) {
  const good = result.hops.every((hop) => hop.passed);
  return (
    <div role="status">
      <p class={`verdict ${good ? "good" : "bad"}`}>
        <Icon name={good ? "check" : "cross"} />
        {t(good ? "sound.good" : "sound.bad")}
      </p>
      <ol class="hops compact">
        {result.hops.map((hop) => (
          <li key={hop.hop} class={hop.passed ? "good" : "failed"}>
            <Icon name={hop.passed ? "check" : "cross"} />
            {hopName(hop.hop)}
            {hop.fault && <p>{faultText(hop.fault)}</p>}
          </li>
        ))}
      </ol>
      {good && (
        <dl class="facts">
          <dt>{t("sound.latency")}</dt>
          <dd>{Math.round(result.latency_ms)} ms</dd>
          <dt>{t("sound.loss")}</dt>
          <dd>{result.loss_percent.toFixed(1)} %</dd>
          <dt>{t("sound.level")}</dt>
          <dd>{levelText(result.level_db)}</dd>
          <dt>{t("sound.encryption")}</dt>
          <dd>{t(result.encryption > 0 ? "link.encrypted" : "link.unencrypted")}</dd>
        </dl>
      )}
    </div>
  );
}

export function hopName(hop: Hop): string {
  return t(`hop.${hop}` as Key);
}
