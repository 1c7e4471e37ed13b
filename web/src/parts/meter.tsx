// Bars that move 25 times a second. They are drawn outside Preact: the page is not rendered anew for them.
// Each is a small opaque canvas: moved elements would make the browser lay its layers anew with every reading.

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

/** How often the level is told to whoever listens instead of looking, and the size and colours are looked up. */
const SLOW_MS = 500;
/** From where on a bar has the second and the third colour, dBFS. */
const MIDDLE_DB = -9;
const HIGH_DB = -3;
const PEAK_PX = 2;

interface Paint {
  readonly back: string;
  readonly low: string;
  readonly middle: string;
  readonly high: string;
  readonly peak: string;
}

class Drawing {
  private readonly pen: CanvasRenderingContext2D | null;
  private needle: Needle = AT_REST;
  private slowAt = -Infinity;
  private clipping = false;
  private drawn = "";
  private paint: Paint | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
  ) {
    this.pen = canvas.getContext("2d", { alpha: false });
  }

  show(reading: number, now: number): void {
    this.needle = moved(this.needle, reading, now);
    if (now - this.slowAt >= SLOW_MS) this.slow(reading, now);
    this.draw();
    const clipping = clips(this.needle, now);
    if (clipping !== this.clipping) this.root.toggleAttribute("data-clip", (this.clipping = clipping));
  }

  private draw(): void {
    const { pen, canvas, paint } = this;
    if (!pen || !paint) return;
    const at = (level: number) => Math.round(place(level) * canvas.width);
    const [level, peak] = [at(this.needle.level), at(this.needle.peak)];
    const drawn = `${level} ${peak}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const fill = (from: number, to: number, colour: string) => {
      pen.fillStyle = colour;
      pen.fillRect(from, 0, Math.max(0, to - from), canvas.height);
    };
    fill(level, canvas.width, paint.back);
    fill(0, Math.min(level, at(MIDDLE_DB)), paint.low);
    fill(at(MIDDLE_DB), Math.min(level, at(HIGH_DB)), paint.middle);
    fill(at(HIGH_DB), level, paint.high);
    const thick = PEAK_PX * devicePixelRatio;
    if (peak > 0) fill(Math.min(peak, canvas.width) - thick, Math.min(peak, canvas.width), paint.peak);
  }

  private slow(reading: number, now: number): void {
    this.slowAt = now;
    this.fit();
    const level = Math.round(Math.max(FLOOR_DB, Math.min(0, reading)));
    if (this.root.getAttribute("aria-valuenow") === String(level)) return;
    this.root.setAttribute("aria-valuenow", String(level));
    this.root.setAttribute("aria-valuetext", levelText(reading));
  }

  /** Follow the column's width, the screen's density and the theme. */
  private fit(): void {
    const { canvas } = this;
    const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
    const height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    // Properties that a canvas has no other use for carry the theme's colours here, resolved by the browser.
    const style = getComputedStyle(canvas);
    this.paint = {
      back: style.backgroundColor,
      low: style.color,
      middle: style.caretColor,
      high: style.outlineColor,
      peak: style.columnRuleColor,
    };
    this.drawn = "";
  }
}

export function Meter({ label, read }: MeterProps) {
  const root = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const reader = useRef(read);
  reader.current = read;
  useEffect(() => {
    if (!root.current || !canvas.current) return undefined;
    const drawing = new Drawing(root.current, canvas.current);
    return onMeters((meters) => drawing.show(reader.current(meters) ?? -120, performance.now()));
  }, []);
  return (
    <div class="meter" role="meter" aria-label={label} aria-valuemin={FLOOR_DB} aria-valuemax={0} aria-valuenow={FLOOR_DB} ref={root}>
      <canvas ref={canvas} />
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
