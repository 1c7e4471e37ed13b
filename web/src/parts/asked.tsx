// What a person chose in the tray's menu and is asked about first, since it would touch a show.

import { t } from "../i18n";
import { asked } from "../state/route";
import { desk, running, session, tell } from "../state/store";
import { Confirm } from "./dialog";

export function Asked() {
  const live = running.value && session.value?.match === "live";
  const close = () => {
    asked.value = "";
  };
  if (!desk.value) return null;
  if (asked.value === "quit") {
    const text = live ? "quit.live" : running.value ? "quit.running" : "quit.text";
    return (
      <Confirm
        title={t("quit.title")}
        action={t("action.quit")}
        onConfirm={() => void tell({ type: "quit_program", sure: true })}
        onClose={close}
      >
        <p>{t(text)}</p>
      </Confirm>
    );
  }
  if (asked.value === "stop" && running.value) {
    return (
      <Confirm
        title={t("stop.title")}
        action={t("action.stop")}
        onConfirm={() => void tell({ type: "stop_session" })}
        onClose={close}
      >
        <p>{t("stop.text")}</p>
      </Confirm>
    );
  }
  return null;
}
