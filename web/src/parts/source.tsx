// A source: its bus above, a strip for everybody who is in the channel below.

import { useState } from "preact/hooks";
import { bandText, gainText } from "../domain/levels";
import { EQUALIZER_PRESETS, RANGES, type EqualizerSpec, type SourceSpec } from "../gen/protocol";
import { presetName, t } from "../i18n";
import { change, session, tell } from "../state/store";
import { Button, Field, Toggle } from "./basics";
import { BotLine } from "./botline";
import { Fader } from "./fader";
import { Icon } from "./icons";
import { Meter, Scale } from "./meter";
import { Strip } from "./strip";

export function Source({ spec }: { spec: SourceSpec }) {
  const [open, setOpen] = useState(false);
  const source = spec.channel;
  const name = spec.name || source;
  const state = session.value;
  const solo = state?.sources.find((each) => each.source === source)?.solo ?? false;
  const talkers = state?.talkers.filter((talker) => talker.source === source) ?? [];
  return (
    <section class={`card column ${spec.muted ? "is-muted" : ""}`} aria-labelledby={`source-${source}`}>
      <div data-strip class="bus">
        <header>
          <h2 id={`source-${source}`}>{name}</h2>
          <span class="buttons">
            <Toggle
              kind="mute"
              pressed={spec.muted}
              label={t("mixer.mute", { name })}
              onPress={(muted) => change({ type: "mute_source", source, muted })}
            >
              M
            </Toggle>
            <Toggle
              kind="solo"
              pressed={solo}
              label={t("mixer.solo", { name })}
              onPress={(wanted) => change({ type: "solo_source", source, solo: wanted })}
            >
              S
            </Toggle>
            <button
              type="button"
              class="toggle more"
              aria-expanded={open}
              aria-label={t("mixer.tone", { name })}
              title={t("mixer.tone", { name })}
              onClick={() => setOpen(!open)}
            >
              <Icon name="more" />
            </button>
          </span>
        </header>
        <BotLine bot={state?.bots.find((bot) => bot.bot === spec.bot)} />
        <Meter label={t("mixer.level", { name })} read={(meters) => meters.sources.find((each) => each.source === source)?.peak_db} />
        <Fader
          label={t("mixer.gain", { name })}
          value={spec.gain}
          {...RANGES.gain}
          step={0.01}
          rest={1}
          text={gainText}
          onMove={(gain) => change({ type: "set_source_gain", source, gain }, true)}
        />
        {open && <Tone spec={spec} name={name} />}
      </div>
      <Scale />
      {talkers.length === 0 && <p class="nobody">{t("mixer.nobody")}</p>}
      <ul class="strips">
        {talkers.map((talker) => (
          <Strip key={talker.user} talker={talker} />
        ))}
      </ul>
    </section>
  );
}

const BANDS = [
  ["low_db", "tone.low"],
  ["mid_db", "tone.mid"],
  ["high_db", "tone.high"],
] as const;

/** Equalizer, place between left and right, and what the delay lines hold. */
function Tone({ spec, name }: { spec: SourceSpec; name: string }) {
  const source = spec.channel;
  const set = (equalizer: EqualizerSpec, fader: boolean) => change({ type: "set_source_equalizer", source, equalizer }, fader);
  const known = Object.entries(EQUALIZER_PRESETS).find(([, bands]) => BANDS.every(([band]) => bands[band] === spec.equalizer[band]));
  return (
    <div class="tone">
      <Field label={t("tone.preset")}>
        {(ids) => (
          <select
            {...ids}
            value={known?.[0] ?? ""}
            onChange={(event) => {
              const chosen = EQUALIZER_PRESETS[event.currentTarget.value as keyof typeof EQUALIZER_PRESETS];
              if (chosen) set(chosen, false);
            }}
          >
            {!known && <option value="">{t("tone.own")}</option>}
            {Object.keys(EQUALIZER_PRESETS).map((code) => (
              <option key={code} value={code}>
                {presetName(code)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {BANDS.map(([band, label]) => (
        <div class="tone-row" key={band}>
          <span aria-hidden="true">{t(label)}</span>
          <Fader
            label={`${t(label)}, ${name}`}
            value={spec.equalizer[band]}
            {...RANGES.band_db}
            step={0.5}
            rest={0}
            text={bandText}
            onMove={(value) => set({ ...spec.equalizer, [band]: value }, true)}
          />
        </div>
      ))}
      <div class="tone-row">
        <span aria-hidden="true">{t("tone.pan")}</span>
        <Fader
          label={`${t("tone.pan")}, ${name}`}
          value={spec.pan}
          {...RANGES.pan}
          step={0.05}
          rest={0}
          text={panText}
          onMove={(pan) => change({ type: "set_source_pan", source, pan }, true)}
        />
      </div>
      {isDelayed() && (
        <Button onClick={() => void tell({ type: "dump_source", source })}>{t("mixer.dump_source")}</Button>
      )}
    </div>
  );
}

function panText(pan: number): string {
  const percent = Math.round(Math.abs(pan) * 100);
  return percent === 0 ? t("tone.centre") : t(pan < 0 ? "tone.left" : "tone.right", { percent });
}

/** Whether any destination hears later than things are said. */
export function isDelayed(): boolean {
  return session.value?.spec?.destinations.some((place) => place.delay_s > 0) ?? false;
}
