// The mixer: sources as columns, talkers as strips in them, destinations beside, the route matrix below.

import { useState } from "preact/hooks";
import { Destination } from "../parts/destination";
import { Button, Empty, Spinner, WorkButton } from "../parts/basics";
import { BotLine } from "../parts/botline";
import { Fader } from "../parts/fader";
import { gainInPercent, gainText } from "../domain/levels";
import { routeGain } from "../domain/undo";
import { RANGES, type SessionSpec, type SessionState } from "../gen/protocol";
import { t } from "../i18n";
import { Source } from "../parts/source";
import { go } from "../state/route";
import { call, change, desk, engineAway, ready, running, session } from "../state/store";

export function Mixer() {
  const state = session.value;
  if (!state?.spec || !running.value) return <NotRunning />;
  return (
    <>
      <div class="mixer">
        <div class="mixer-sources">
          {state.spec.sources.map((source) => (
            <Source key={source.channel} spec={source} />
          ))}
        </div>
        <div class="mixer-destinations">
          {state.spec.destinations.map((place) => (
            <Destination key={place.channel} spec={place} />
          ))}
          <Loudness spec={state.spec} />
        </div>
      </div>
      <Matrix state={state} spec={state.spec} />
    </>
  );
}

function Loudness({ spec }: { spec: SessionSpec }) {
  return (
    <section class="card loudness">
      <h2>{t("mixer.loudness")}</h2>
      <p class="hint">{t("mixer.loudness_hint")}</p>
      <Fader
        label={t("mixer.loudness")}
        value={spec.loudness}
        {...RANGES.loudness}
        step={1}
        rest={-20}
        text={(value) => `${value < 0 ? "−" : ""}${Math.abs(value)} LUFS`}
        onMove={(loudness) => change({ type: "set_loudness", loudness }, true)}
      />
    </section>
  );
}

function NotRunning() {
  const phase = session.value?.phase ?? "idle";
  if (phase === "starting" || phase === "stopping") return <OnTheWay starting={phase === "starting"} />;
  if (!ready.value) {
    return (
      <Empty title={t("mixer.no_setup")}>
        <p>{t("mixer.no_setup_text")}</p>
        <div class="actions">
          <Button kind="primary" onClick={() => go("setup")}>
            {t("mixer.to_setup")}
          </Button>
        </div>
      </Empty>
    );
  }
  const setup = desk.value?.setup;
  const names = (places: readonly { name: string; channel: string }[]) => places.map((each) => each.name || each.channel);
  return (
    <Empty title={t("mixer.idle")}>
      <dl class="facts">
        <dt>{t("word.guild")}</dt>
        <dd>{setup?.guild_name}</dd>
        <dt>{t("word.sources")}</dt>
        <dd>{names(setup?.sources ?? []).join(t("list.and"))}</dd>
        <dt>{t("word.destinations")}</dt>
        <dd>{names(setup?.destinations ?? []).join(t("list.and"))}</dd>
      </dl>
      <div class="actions">
        <WorkButton kind="primary" class="large" disabled={engineAway.value} work={() => call({ type: "start" })}>
          {t("action.start")}
        </WorkButton>
      </div>
      <OtherPresets />
    </Empty>
  );
}

/** The next event: its preset, then Start. */
function OtherPresets() {
  const names = desk.value?.presets ?? [];
  if (names.length === 0) return null;
  return (
    <div class="stack tight">
      <p class="hint">{t("mixer.presets")}</p>
      <div class="actions">
        {names.map((name) => (
          <WorkButton key={name} work={() => call({ type: "load_preset", name })}>
            {name}
          </WorkButton>
        ))}
      </div>
    </div>
  );
}

function OnTheWay({ starting }: { starting: boolean }) {
  return (
    <section class="card narrow">
      <p class="loading" role="status">
        <Spinner />
        {t(starting ? "phase.starting_text" : "phase.stopping_text")}
      </p>
      {session.value?.bots.map((bot) => (
        <BotLine key={bot.bot} bot={bot} />
      ))}
    </section>
  );
}

interface MatrixProps {
  state: SessionState;
  spec: SessionSpec;
}

function Matrix({ state, spec }: MatrixProps) {
  return (
    <section class="card matrix">
      <h2 id="matrix">{t("matrix.title")}</h2>
      <div class="matrix-scroll" tabIndex={0} role="region" aria-labelledby="matrix">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("matrix.corner")}</th>
              {spec.destinations.map((place) => (
                <th scope="col" key={place.channel}>
                  {place.name || place.channel}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {spec.sources.map((source) => (
              <tr key={source.channel}>
                <th scope="row">{source.name || source.channel}</th>
                {spec.destinations.map((place) => (
                  <td key={place.channel}>
                    <Route
                      label={t("matrix.route", { source: source.name, destination: place.name })}
                      gain={routeGain(state, source.channel, place.channel)}
                      onGain={(gain, fader) =>
                        change({ type: "set_route_gain", source: source.channel, destination: place.channel, gain }, fader)
                      }
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface RouteProps {
  label: string;
  gain: number;
  onGain: (gain: number, fader: boolean) => void;
}

function Route({ label, gain, onGain }: RouteProps) {
  const [last, setLast] = useState(1);
  const toggle = (open: boolean) => {
    if (!open) setLast(gain);
    onGain(open ? last : 0, false);
  };
  return (
    <div class="route">
      <input type="checkbox" class="switch" aria-label={label} checked={gain > 0} onChange={(event) => toggle(event.currentTarget.checked)} />
      <Fader
        label={t("matrix.gain", { route: label })}
        value={gain}
        {...RANGES.gain}
        step={0.01}
        rest={1}
        text={gain > 0 ? gainText : gainInPercent}
        onMove={(value) => onGain(value, true)}
      />
    </div>
  );
}
