// Bars that move 25 times a second. They are drawn outside Preact: the page is not rendered anew for them.

import { useEffect, useRef } from "preact/hooks";
import { AT_REST, clips, moved, type Needle } from "../domain/ballistics";
import { FLOOR_DB, MARKS, levelText, place } from "../domain/levels";
import type { Meters } from "../gen/protocol";
import { t } from "../i18n";
import { onMeters } from "../state/store";

interface MeterProps {
  label: string;
  /** This meter's level among all readings, dBFS. */
  read: (meters: Meters) => number | undefined;
}

/** How often the level is told to whoever listens instead of looking. */
const SPOKEN_MS = 500;

class Drawing {
  private needle: Needle = AT_REST;
  private spokenAt = -Infinity;
  private clipping = false;
  private drawn = "";

  constructor(
    private readonly root: HTMLElement,
    private readonly cover: HTMLElement,
    private readonly peak: HTMLElement,
  ) {}

  show(reading: number, now: number): void {
    this.needle = moved(this.needle, reading, now);
    const level = place(this.needle.level).toFixed(3);
    const peak = place(this.needle.peak).toFixed(3);
    if (this.drawn !== level + peak) {
      this.drawn = level + peak;
      this.cover.style.transform = `scaleX(${1 - Number(level)})`;
      this.peak.style.transform = `translateX(${Number(peak) * 100}%)`;
    }
    const clipping = clips(this.needle, now);
    if (clipping !== this.clipping) this.root.toggleAttribute("data-clip", (this.clipping = clipping));
    if (now - this.spokenAt >= SPOKEN_MS) this.speak(reading, now);
  }

  private speak(reading: number, now: number): void {
    this.spokenAt = now;
    const level = Math.round(Math.max(FLOOR_DB, Math.min(0, reading)));
    if (this.root.getAttribute("aria-valuenow") === String(level)) return;
    this.root.setAttribute("aria-valuenow", String(level));
    this.root.setAttribute("aria-valuetext", levelText(reading));
  }
}

export function Meter({ label, read }: MeterProps) {
  const root = useRef<HTMLDivElement>(null);
  const cover = useRef<HTMLDivElement>(null);
  const peak = useRef<HTMLDivElement>(null);
  const reader = useRef(read);
  reader.current = read;
  useEffect(() => {
    if (!root.current || !cover.current || !peak.current) return undefined;
    const drawing = new Drawing(root.current, cover.current, peak.current);
    return onMeters((meters) => drawing.show(reader.current(meters) ?? -120, performance.now()));
  }, []);
  return (
    <div class="meter" role="meter" aria-label={label} aria-valuemin={FLOOR_DB} aria-valuemax={0} aria-valuenow={FLOOR_DB} ref={root}>
      <div class="meter-bar" />
      <div class="meter-cover" ref={cover} />
      <div class="meter-peak" ref={peak} />
      <span class="meter-clip" aria-hidden="true">
        {t("meter.clip")}
      </span>
    </div>
  );
}

/** The scale that stands once above a column of meters. */
export function Scale() {
  return (
    <div class="scale" aria-hidden="true">
      {MARKS.map((mark) => (
        <span key={mark} style={{ insetInlineStart: `${place(mark) * 100}%` }}>
          {mark === 0 ? "0" : `−${-mark}`}
        </span>
      ))}
    </div>
  );
}
