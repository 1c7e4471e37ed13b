// A fader: where it stands follows the hand at once and the engine as soon as the hand lets go.

import { useEffect, useRef, useState } from "preact/hooks";

interface FaderProps {
  label: string;
  value: number;
  lowest: number;
  highest: number;
  step: number;
  text: (value: number) => string;
  onMove: (value: number) => void;
  /** Where a double click goes. */
  rest: number;
  disabled?: boolean;
  kind?: string;
}

/** After the hand let go, the engine's word counts again after this. */
const SETTLE_MS = 600;

export function Fader({ label, value, lowest, highest, step, text, onMove, rest, disabled, kind = "" }: FaderProps) {
  const [held, setHeld] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const shown = held ?? value;
  const move = (to: number) => {
    setHeld(to);
    onMove(to);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setHeld(null), SETTLE_MS);
  };
  return (
    <span class={`fader ${kind}`}>
      <input
        type="range"
        aria-label={label}
        aria-valuetext={text(shown)}
        min={lowest}
        max={highest}
        step={step}
        value={shown}
        disabled={disabled}
        onInput={(event) => move(event.currentTarget.valueAsNumber)}
        onDblClick={() => move(rest)}
      />
      <output class="fader-text" aria-hidden="true">
        {text(shown)}
      </output>
    </span>
  );
}
