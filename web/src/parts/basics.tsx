// The small things that everything is made of.

import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { t, faultText } from "../i18n";
import type { Fault } from "../gen/protocol";
import { faultsOf } from "../state/store";

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "icon"> & {
  kind?: "plain" | "primary" | "danger" | "quiet";
  children: ComponentChildren;
};

export function Button({ kind = "plain", class: extra, children, ...rest }: ButtonProps) {
  return (
    <button type="button" class={`button ${kind} ${(extra as string | undefined) ?? ""}`} {...rest}>
      {children}
    </button>
  );
}

/** A button whose work takes time: it shows that, and what went wrong below itself. */
export function WorkButton({ work, children, ...rest }: Omit<ButtonProps, "onClick"> & { work(): Promise<unknown> }) {
  const { busy, faults, run } = useWork();
  return (
    <>
      <Button {...rest} disabled={!!rest.disabled || busy} aria-busy={busy} onClick={() => void run(work)}>
        {busy && <Spinner />}
        {children}
      </Button>
      <Faults faults={faults} />
    </>
  );
}

/** Work that is under way, and its faults. */
export function useWork() {
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const run = async <T,>(work: () => Promise<T>): Promise<T | undefined> => {
    setBusy(true);
    setFaults([]);
    try {
      return await work();
    } catch (error) {
      setFaults(faultsOf(error));
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { busy, faults, run };
}

export function Spinner() {
  return <span class="spinner" aria-hidden="true" />;
}

/** Something is being fetched. */
export function Loading() {
  return (
    <p class="loading" role="status">
      <Spinner />
      {t("state.loading")}
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export function Faults({ faults }: { faults: readonly Fault[] }) {
  if (faults.length === 0) return null;
  return (
    <div class="faults" role="alert">
      {faults.map((fault, index) => (
        <p key={index}>{faultText(fault)}</p>
      ))}
    </div>
  );
}

interface FieldProps {
  label: string;
  hint?: string | undefined;
  children: (ids: { id: string; "aria-describedby": string | undefined }) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  const described = hint ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described })}
      {hint && (
        <p class="hint" id={described}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface ToggleProps {
  pressed: boolean;
  onPress: (pressed: boolean) => void;
  label: string;
  children: ComponentChildren;
  kind?: string;
  disabled?: boolean;
}

/** A button that is on or off. */
export function Toggle({ pressed, onPress, label, children, kind = "", disabled = false }: ToggleProps) {
  return (
    <button
      type="button"
      class={`toggle ${kind}`}
      aria-pressed={pressed}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={() => onPress(!pressed)}
    >
      {children}
    </button>
  );
}

/** A checkbox drawn as a switch. */
export function Switch({ checked, onChange, label, hint }: SwitchProps) {
  const id = useId();
  return (
    <div class="switch-row">
      <input
        type="checkbox"
        class="switch"
        id={id}
        checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface SwitchProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: string;
  hint?: string;
}

interface SegmentsProps<T extends string> {
  legend: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** One of a few, all of them visible. */
export function Segments<T extends string>({ legend, value, options, onChange }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset class="segments">
      <legend>{legend}</legend>
      <div class="segments-row">
        {options.map(([option, label]) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
            <span>{label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
