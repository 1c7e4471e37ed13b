// From one step of the set-up to the next.

import type { WIZARD_STEPS } from "../../gen/protocol";
import { t } from "../../i18n";
import { Button } from "../../parts/basics";
import { tell } from "../../state/store";

export type Step = (typeof WIZARD_STEPS)[number];

/** Mark a step as done; the tray opens the next one. */
export function done(step: Step): Promise<boolean> {
  return tell({ type: "wizard_done", step });
}

/** The way on, where nothing more has to happen first. */
export function Next({ step, disabled = false }: { step: Step; disabled?: boolean }) {
  return (
    <div class="actions">
      <Button kind="primary" disabled={disabled} onClick={() => void done(step)}>
        {t("action.next")}
      </Button>
    </div>
  );
}
