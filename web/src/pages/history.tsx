// The sessions so far, and what was lost in them.

import { useEffect, useState } from "preact/hooks";
import type { OutageState, PastSession } from "../gen/protocol";
import { moment, outageText, span, t } from "../i18n";
import { Empty, Faults, Loading, useWork } from "../parts/basics";
import { call, session } from "../state/store";

export function HistoryPage() {
  const { faults, run } = useWork();
  const [sessions, setSessions] = useState<readonly PastSession[] | null>(null);
  const phase = session.value?.phase;
  useEffect(() => {
    void run(() => call({ type: "get_history" })).then((payload) => {
      if (payload?.type === "history") setSessions(payload.sessions);
    });
  }, [phase]);
  if (faults.length > 0) return <Faults faults={faults} />;
  if (!sessions) return <Loading />;
  if (sessions.length === 0) {
    return (
      <Empty title={t("history.empty")}>
        <p>{t("history.empty_text")}</p>
      </Empty>
    );
  }
  return (
    <div class="stack">
      {sessions.map((past) => (
        <Past key={past.started_ms} past={past} />
      ))}
    </div>
  );
}

function Past({ past }: { past: PastSession }) {
  const length = (past.ended_ms ?? Date.now()) - past.started_ms;
  return (
    <section class="card past">
      <header>
        <h2>{moment(past.started_ms)}</h2>
        <span class="tag">{past.ended_ms === null ? t("history.running") : span(length)}</span>
      </header>
      <p>
        {past.guild_name} · {past.sources.join(t("list.and"))} → {past.destinations.join(t("list.and"))}
      </p>
      {past.outages.length === 0 && past.restarts === 0 && <p class="hint">{t("history.clean")}</p>}
      {past.restarts > 0 && <p>{t("history.restarts", { count: past.restarts })}</p>}
      {past.outages.length > 0 && (
        <details>
          <summary>{t("history.outages", { count: past.outages.length })}</summary>
          <ul class="outages">
            {past.outages.map((outage, index) => (
              <Outage key={index} outage={outage} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Outage({ outage }: { outage: OutageState }) {
  return (
    <li>
      <strong>
        {moment(outage.started_ms)} · {outage.bot} · {outage.duration_ms === null ? t("history.goes_on") : span(outage.duration_ms)}
      </strong>
      <p>{outageText(outage)}</p>
    </li>
  );
}
