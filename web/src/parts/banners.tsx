// What everybody must see: who is away, what happens meanwhile, what the whole session is under.

import type { ComponentChildren } from "preact";
import { faultText, t } from "../i18n";
import { desk, link, session, tell } from "../state/store";
import { Button, Spinner } from "./basics";
import { toggleKill } from "./shortcuts";

export function Banners() {
  return (
    <div class="banners" role="status">
      <TrayAway />
      <EngineAway />
      <Killed />
      <Rehearsing />
    </div>
  );
}

function Banner({ kind, children }: { kind: "wait" | "bad" | "info"; children: ComponentChildren }) {
  return <div class={`banner ${kind}`}>{children}</div>;
}

function TrayAway() {
  if (link.value !== "away") return null;
  return (
    <Banner kind="wait">
      <Spinner />
      <p>{t("banner.tray_away")}</p>
    </Banner>
  );
}

function EngineAway() {
  const known = desk.value;
  if (!known || link.value !== "open" || known.engine === "ready") return null;
  if (known.engine === "failed") {
    return (
      <Banner kind="bad">
        <p>{known.engine_fault ? faultText(known.engine_fault) : t("banner.engine_failed")}</p>
      </Banner>
    );
  }
  return (
    <Banner kind="wait">
      <Spinner />
      <p>{t(known.engine === "starting" ? "banner.engine_starting" : "banner.engine_restarting")}</p>
    </Banner>
  );
}

function Killed() {
  if (!session.value?.kill) return null;
  return (
    <Banner kind="bad">
      <p>{t("banner.kill")}</p>
      <Button onClick={toggleKill}>{t("kill.off")}</Button>
    </Banner>
  );
}

function Rehearsing() {
  if (!desk.value?.rehearsing) return null;
  return (
    <Banner kind="info">
      <p>{t("banner.rehearsing")}</p>
      <Button onClick={() => void tell({ type: "stop_rehearsal" })}>{t("rehearsal.stop")}</Button>
    </Banner>
  );
}
