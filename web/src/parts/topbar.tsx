// Always there: what the session is, where the match stands, start and stop, undo, kill.

import { useState } from "preact/hooks";
import type { MatchPhase } from "../gen/protocol";
import { t, type Key } from "../i18n";
import { desk, engineAway, link, ready, running, session, steps, tell, undo, call } from "../state/store";
import { Button, WorkButton } from "./basics";
import { Confirm } from "./dialog";
import { Icon } from "./icons";
import { toggleKill } from "./shortcuts";

/** Which steps the engine takes from where; it refuses the others. */
export const NEXT: Readonly<Record<MatchPhase, readonly MatchPhase[]>> = {
  idle: ["ready"],
  ready: ["live", "idle"],
  live: ["break"],
  break: ["live", "ready", "idle"],
};
const ORDER: readonly MatchPhase[] = ["idle", "ready", "live", "break"];

export function TopBar() {
  const state = session.value;
  return (
    <header class="topbar">
      <Standing />
      {running.value && <Match now={state?.match ?? "idle"} />}
      <div class="topbar-actions">
        {running.value && (
          <Button kind="quiet" disabled={steps.value.length === 0} onClick={undo}>
            <Icon name="undo" />
            {t("action.undo")}
          </Button>
        )}
        <StartStop />
        <button
          type="button"
          class="kill"
          aria-pressed={!!state?.kill}
          aria-keyshortcuts="K"
          disabled={!state || state.phase === "idle" || link.value !== "open"}
          onClick={toggleKill}
        >
          <Icon name="kill" />
          {t("kill.label")}
        </button>
      </div>
    </header>
  );
}

function Standing() {
  const phase = session.value?.phase ?? "idle";
  const live = running.value && session.value?.match === "live";
  const key = engineAway.value && phase !== "idle" ? "away" : live && phase === "running" ? "live" : phase;
  return (
    <div class="standing" role="status">
      <span class={`badge ${key}`}>
        <span class="badge-mark" aria-hidden="true" />
        {t(`phase.${key}` as Key)}
      </span>
      <span class="standing-place">{desk.value?.setup.guild_name}</span>
    </div>
  );
}

function Match({ now }: { now: MatchPhase }) {
  return (
    <div class="match" role="group" aria-label={t("match.label")}>
      {ORDER.map((phase) => (
        <button
          type="button"
          key={phase}
          class={phase}
          aria-pressed={phase === now}
          disabled={phase !== now && !NEXT[now].includes(phase)}
          onClick={() => phase !== now && void tell({ type: "set_match", phase })}
        >
          {t(`match.${phase}` as Key)}
        </button>
      ))}
    </div>
  );
}

function StartStop() {
  const [asking, setAsking] = useState(false);
  const state = session.value;
  // An engine that was given up has no session any more, and starting is what brings another one.
  const failed = desk.value?.engine === "failed";
  const phase = failed ? "idle" : (state?.phase ?? "idle");
  const stop = () => void tell({ type: "stop_session" });
  if (phase === "idle") {
    return (
      <WorkButton kind="primary" disabled={!ready.value || (engineAway.value && !failed)} work={() => call({ type: "start" })}>
        <Icon name="play" />
        {t("action.start")}
      </WorkButton>
    );
  }
  return (
    <>
      <Button disabled={phase === "stopping"} onClick={() => (state?.match === "live" ? setAsking(true) : stop())}>
        <Icon name="stop" />
        {t("action.stop")}
      </Button>
      {asking && (
        <Confirm title={t("stop.title")} action={t("action.stop")} onConfirm={stop} onClose={() => setAsking(false)}>
          <p>{t("stop.text")}</p>
        </Confirm>
      )}
    </>
  );
}
