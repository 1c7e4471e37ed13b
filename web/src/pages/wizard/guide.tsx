// Pages of Discord that the set-up opens, and what to do there.

import { t, type Key } from "../../i18n";
import { Button } from "../../parts/basics";
import { Icon } from "../../parts/icons";

/** Open a page of Discord beside ours; says whether the browser let us. */
export function openOutside(address: string): boolean {
  const opened = window.open(address, "_blank");
  if (opened) opened.opener = null;
  return opened !== null;
}

/** Put a text where paste finds it; browsers may refuse, then it is typed. */
export function copy(text: string): void {
  void navigator.clipboard?.writeText(text).catch(() => undefined);
}

interface GuideProps {
  address: string;
  action: Key;
  /** What to do on the page that opens, in order. */
  then: readonly Key[];
  /** Copied on the way, to be pasted there. */
  text?: string;
}

/** A button that opens a page of Discord, and the few things to do there. */
export function Guide({ address, action, then, text }: GuideProps) {
  const open = () => {
    if (text) copy(text);
    openOutside(address);
  };
  return (
    <div class="guide">
      <Button onClick={open}>
        <Icon name="open" />
        {t(action)}
      </Button>
      <ol>
        {then.map((key) => (
          <li key={key}>{t(key, { name: text ?? "" })}</li>
        ))}
      </ol>
    </div>
  );
}
