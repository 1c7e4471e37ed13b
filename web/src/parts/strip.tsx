// A talker's strip.

import { useEffect, useRef, useState } from "preact/hooks";
import { gainText } from "../domain/levels";
import { RANGES, SUPPRESSIONS, type Meters, type TalkerState } from "../gen/protocol";
import { t, type Key } from "../i18n";
import { change, onMeters, slowMeters, tell, theme } from "../state/store";
import { Button, Segments, Switch, Toggle } from "./basics";
import { Fader } from "./fader";
import { Icon } from "./icons";
import { Meter } from "./meter";
import { isDelayed } from "./source";

export function Strip({ talker }: { talker: TalkerState }) {
  const [open, setOpen] = useState(false);
  const { user, strip } = talker;
  const name = talker.name || user;
  const meter = (meters: Meters) => meters.talkers.find((each) => each.user === user);
  return (
    <li data-strip class={`strip ${strip.muted ? "is-muted" : ""}`} aria-label={name}>
      <header>
        <TalkingLight read={(meters) => meter(meters)?.talking ?? false} />
        <span class="strip-name">{name}</span>
        {talker.bot && <span class="tag">Bot</span>}
        {strip.priority && <span class="tag">{t("strip.priority_tag")}</span>}
        <Figures user={user} />
        <span class="buttons">
          <Toggle kind="mute" pressed={strip.muted} label={t("mixer.mute", { name })} onPress={(muted) => change({ type: "mute_talker", user, muted })}>
            M
          </Toggle>
          <Toggle kind="solo" pressed={talker.solo} label={t("mixer.solo", { name })} onPress={(solo) => change({ type: "solo_talker", user, solo })}>
            S
          </Toggle>
          <button
            type="button"
            class="toggle more"
            aria-expanded={open}
            aria-label={t("strip.more", { name })}
            title={t("strip.more", { name })}
            onClick={() => setOpen(!open)}
          >
            <Icon name="more" />
          </button>
        </span>
      </header>
      <Meter label={t("mixer.level", { name })} read={(meters) => meter(meters)?.peak_db} />
      <Fader
        label={t("mixer.gain", { name })}
        value={strip.gain}
        {...RANGES.gain}
        step={0.01}
        rest={1}
        text={gainText}
        onMove={(gain) => change({ type: "set_talker_gain", user, gain }, true)}
      />
      {open && <More talker={talker} />}
    </li>
  );
}

/** Filled while somebody talks. A canvas, as meters are: an element that changes its style costs ten times as much. */
function TalkingLight({ read }: { read: (meters: Meters) => boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const reader = useRef(read);
  reader.current = read;
  useEffect(() => {
    let drawn = "";
    return onMeters((meters) => {
      const lit = reader.current(meters);
      const wanted = `${lit} ${theme.value} ${devicePixelRatio}`;
      if (wanted === drawn || !canvas.current) return;
      drawn = wanted;
      drawLight(canvas.current, lit);
    });
  }, []);
  return <canvas class="light" ref={canvas} title={t("strip.light")} />;
}

const LIGHT_PX = 14;

function drawLight(canvas: HTMLCanvasElement, lit: boolean): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const size = LIGHT_PX * devicePixelRatio;
  canvas.width = canvas.height = size;
  const style = getComputedStyle(canvas);
  const radius = size / 2 - devicePixelRatio;
  pen.lineWidth = 2 * devicePixelRatio;
  pen.strokeStyle = lit ? style.color : style.caretColor;
  pen.fillStyle = style.color;
  pen.beginPath();
  pen.arc(size / 2, size / 2, radius, 0, 2 * Math.PI);
  if (lit) pen.fill();
  pen.stroke();
}

/** Loss in percent from which on it is shown, and from which on people hear it. */
const WORTH_SAYING = 1;
const BAD = 5;

/** Loss and delay, twice a second. */
function Figures({ user }: { user: string }) {
  const reading = slowMeters.value?.talkers.find((each) => each.user === user);
  if (!reading) return <span class="figures" />;
  const lost = reading.loss_percent >= WORTH_SAYING;
  const bad = reading.loss_percent >= BAD;
  return (
    <span class={`figures ${bad ? "bad" : ""}`} title={t("strip.figures")}>
      {lost && <span>{t("strip.loss", { percent: reading.loss_percent.toFixed(reading.loss_percent < 10 ? 1 : 0) })}</span>}
      <span>{t("strip.delay", { ms: Math.round(reading.delay_ms) })}</span>
    </span>
  );
}

function More({ talker: { user, strip } }: { talker: TalkerState }) {
  return (
    <div class="tone">
      <Switch
        label={t("strip.levelling")}
        hint={t("strip.levelling_hint")}
        checked={strip.levelling}
        onChange={(levelling) => change({ type: "set_talker_levelling", user, levelling })}
      />
      <Switch
        label={t("strip.high_pass")}
        hint={t("strip.high_pass_hint")}
        checked={strip.high_pass}
        onChange={(high_pass) => change({ type: "set_talker_high_pass", user, high_pass })}
      />
      <Switch
        label={t("strip.priority")}
        hint={t("strip.priority_hint")}
        checked={strip.priority}
        onChange={(priority) => change({ type: "set_talker_priority", user, priority })}
      />
      <Segments
        legend={t("strip.suppression")}
        value={strip.suppression}
        options={SUPPRESSIONS.map((each) => [each, t(`suppression.${each}` as Key)] as const)}
        onChange={(suppression) => change({ type: "set_talker_suppression", user, suppression })}
      />
      {isDelayed() && <Button onClick={() => void tell({ type: "dump_talker", user })}>{t("strip.dump")}</Button>}
    </div>
  );
}
