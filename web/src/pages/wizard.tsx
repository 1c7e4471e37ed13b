// The set-up, step by step. The tray keeps what was entered and knows which step is open.

import type { ComponentChildren } from "preact";
import { LINKS, WIZARD_STEPS, type Desk } from "../gen/protocol";
import { t, type Key } from "../i18n";
import { Button, WorkButton } from "../parts/basics";
import { BotLine } from "../parts/botline";
import { Icon } from "../parts/icons";
import { SoundCheckButton } from "../parts/sound_check";
import { go } from "../state/route";
import { call, desk, engineAway, running, session, tell } from "../state/store";
import { Legacy, RehearseButton, Unlock } from "./settings";
import { BotsStep } from "./wizard/bots";
import { ChannelsStep } from "./wizard/channels";
import { CheckStep } from "./wizard/check";
import { copy, openOutside } from "./wizard/guide";
import { InviteStep } from "./wizard/invite";
import { done, Next, type Step } from "./wizard/next";

const BODY: Readonly<Record<Step, () => preact.JSX.Element | null>> = {
  welcome: Welcome,
  vault: Vault,
  bots: BotsStep,
  invite: InviteStep,
  channels: ChannelsStep,
  check: CheckStep,
  sound: Sound,
  done: Done,
};

export function Wizard() {
  const known = desk.value;
  if (!known) return null;
  const keychain = known.secrets.kind === "keychain";
  const here = WIZARD_STEPS.filter((step) => step !== "vault" || !keychain || known.secrets.fault);
  const open = here.find((step) => step === known.wizard.step) ?? "welcome";
  const Body = BODY[open];
  return (
    <div class="wizard">
      <Steps here={here} open={open} known={known} />
      <section class="card wizard-step" aria-labelledby="step">
        <h2 id="step">{t(`wizard.${open}` as Key)}</h2>
        <p class="lead">{t(open === "vault" && keychain ? "wizard.vault_keychain_text" : (`wizard.${open}_text` as Key))}</p>
        <Body />
      </section>
    </div>
  );
}

function Steps({ here, open, known }: { here: readonly Step[]; open: Step; known: Desk }) {
  const first = here.findIndex((step) => !known.wizard.done.includes(step));
  return (
    <ol class="steps" aria-label={t("wizard.steps")}>
      {here.map((step, index) => {
        const isDone = known.wizard.done.includes(step);
        const closed = !isDone && step !== open && index > first;
        return (
          <li key={step} class={isDone ? "done" : ""}>
            <button
              type="button"
              aria-current={step === open ? "step" : undefined}
              disabled={closed}
              onClick={() => void tell({ type: "wizard_go", step })}
            >
              <span class="step-mark" aria-hidden="true">
                {isDone ? <Icon name="check" /> : index + 1}
              </span>
              {t(`wizard.${step}` as Key)}
              {isDone && <span class="visually-hidden">{t("wizard.is_done")}</span>}
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function Welcome() {
  const known = desk.value;
  if (!known) return null;
  const idle = (session.value?.phase ?? "idle") === "idle";
  const begin = () => {
    if (known.secrets.kind === "keychain") {
      copy(t("wizard.bot_name_source", { number: 1 }));
      openOutside(LINKS.new_application);
    }
    void done("welcome");
  };
  return (
    <div class="stack">
      <div class="choices">
        <Choice title={t("wizard.begin_title")} text={t("wizard.begin_text")}>
          <Button kind="primary" onClick={begin}>
            {t("wizard.action.open_new_application")}
          </Button>
          <Button onClick={() => void done("welcome")}>{t("wizard.have_bots")}</Button>
        </Choice>
        <Choice title={t("rehearsal.title")} text={t("rehearsal.text")}>
          <RehearseButton rehearsing={known.rehearsing} idle={idle} />
        </Choice>
      </div>
      {known.legacy && <Legacy legacy={known.legacy} />}
    </div>
  );
}

function Choice({ title, text, children }: { title: string; text: string; children: ComponentChildren }) {
  return (
    <div class="choice">
      <h3>{title}</h3>
      <p>{text}</p>
      <div class="actions">{children}</div>
    </div>
  );
}

function Vault() {
  const secrets = desk.value?.secrets;
  if (!secrets) return null;
  if (secrets.kind !== "none" && !secrets.locked && !secrets.fault) {
    return <Next step="vault" />;
  }
  return <Unlock secrets={secrets} onDone={() => void done("vault")} />;
}

function Sound() {
  const state = session.value;
  const phase = state?.phase ?? "idle";
  return (
    <div class="stack">
      {phase === "idle" && (
        <div class="actions">
          <WorkButton kind="primary" class="large" disabled={engineAway.value} work={() => call({ type: "start" })}>
            <Icon name="play" />
            {t("wizard.action.start")}
          </WorkButton>
        </div>
      )}
      {phase !== "idle" && (
        <div class="stack tight">
          {state?.bots.map((bot) => (
            <BotLine key={bot.bot} bot={bot} />
          ))}
        </div>
      )}
      {running.value &&
        state?.spec?.destinations.map((place) => (
          <div key={place.channel}>
            <h3>{place.name || place.channel}</h3>
            <SoundCheckButton destination={place.channel} />
          </div>
        ))}
      {running.value && <Next step="sound" />}
    </div>
  );
}

function Done() {
  return (
    <div class="actions">
      <Button kind="primary" onClick={() => go("mixer")}>
        {t("wizard.to_mixer")}
      </Button>
      <Button onClick={() => go("settings")}>{t("wizard.to_presets")}</Button>
    </div>
  );
}
