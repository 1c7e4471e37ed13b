// A destination: what the casters hear, and what is done to it on the way.

import { useState } from "preact/hooks";
import { RANGES, type DestinationSpec } from "../gen/protocol";
import { t } from "../i18n";
import { change, session, slowMeters } from "../state/store";
import { Button, Field, Switch } from "./basics";
import { BotLine } from "./botline";
import { Fader } from "./fader";
import { Meter, Scale } from "./meter";
import { SoundCheckButton } from "./sound_check";

export function Destination({ spec }: { spec: DestinationSpec }) {
  const place = spec.channel;
  const name = spec.name || place;
  const bot = session.value?.bots.find((each) => each.bot === spec.bot);
  return (
    <section class="card column destination" aria-labelledby={`destination-${place}`}>
      <header>
        <h2 id={`destination-${place}`}>{name}</h2>
        {spec.monitor && <span class="tag">{t("destination.monitor_tag")}</span>}
      </header>
      <BotLine bot={bot} />
      <Meter label={t("mixer.level", { name })} read={(meters) => meters.destinations.find((each) => each.destination === place)?.peak_db} />
      <Scale />
      <Figures place={place} delayed={spec.delay_s > 0} />
      <div class="tone">
        <div class="tone-row">
          <span aria-hidden="true">{t("destination.ducking")}</span>
          <Fader
            label={`${t("destination.ducking")}, ${name}`}
            value={spec.duck_db}
            {...RANGES.duck_db}
            step={1}
            rest={0}
            text={(value) => (value > 0 ? `−${value} dB` : t("destination.off"))}
            onMove={(duck_db) => change({ type: "set_destination_ducking", destination: place, duck_db }, true)}
          />
        </div>
        <Delay spec={spec} />
        <Switch
          label={t("destination.monitor")}
          hint={t("destination.monitor_hint")}
          checked={spec.monitor}
          onChange={(monitor) => change({ type: "set_destination_monitor", destination: place, monitor })}
        />
        <SoundCheckButton destination={place} />
      </div>
    </section>
  );
}

function Figures({ place, delayed }: { place: string; delayed: boolean }) {
  const reading = slowMeters.value?.destinations.find((each) => each.destination === place);
  const lowered = (value: number) => (value < 0 ? `−${Math.abs(value).toFixed(1)} dB` : "0 dB");
  return (
    <dl class="destination-figures">
      <dt>{t("destination.limiter")}</dt>
      <dd>{reading ? lowered(reading.reduction_db) : "–"}</dd>
      <dt>{t("destination.ducking_now")}</dt>
      <dd>{reading ? lowered(reading.ducking_db) : "–"}</dd>
      {delayed && (
        <>
          <dt>{t("destination.held")}</dt>
          <dd>{reading ? t("span.seconds", { seconds: (reading.held_ms / 1000).toFixed(1) }) : "–"}</dd>
        </>
      )}
    </dl>
  );
}

/** A delay is entered and then set: the destination is silent while its line fills. */
function Delay({ spec }: { spec: DestinationSpec }) {
  const [entered, setEntered] = useState<string | null>(null);
  const seconds = Number((entered ?? String(spec.delay_s)).replace(",", "."));
  const valid = Number.isFinite(seconds) && seconds >= RANGES.delay_s.lowest && seconds <= RANGES.delay_s.highest;
  const set = () => {
    if (!valid) return;
    change({ type: "set_destination_delay", destination: spec.channel, delay_s: seconds });
    setEntered(null);
  };
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        set();
      }}
    >
      <Field label={t("destination.delay")} hint={t("destination.delay_hint")}>
        {(ids) => (
          <span class="with-button">
            <input
              {...ids}
              inputMode="decimal"
              class="short"
              value={entered ?? String(spec.delay_s)}
              aria-invalid={!valid}
              onInput={(event) => setEntered(event.currentTarget.value)}
            />
            <Button type="submit" disabled={!valid || seconds === spec.delay_s}>
              {t("action.set")}
            </Button>
          </span>
        )}
      </Field>
    </form>
  );
}

