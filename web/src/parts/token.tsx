// A bot's token: pasted, asked about at once, kept when it is good. It is never shown again.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Fault, Role, TokenCheck } from "../gen/protocol";
import { t } from "../i18n";
import { call, desk, faultsOf } from "../state/store";
import { Faults, Field, Spinner } from "./basics";
import { Icon } from "./icons";

interface TokenProps {
  bot: string;
  role: Role;
  /** What the field is called. */
  label: string;
  /** Called once the token is kept. */
  onKept?: (check: TokenCheck) => void;
}

/** A pasted token is asked about after this pause. */
const PAUSE_MS = 250;

export function TokenField({ bot, role, label, onKept }: TokenProps) {
  const [token, setToken] = useState("");
  const [asking, setAsking] = useState(false);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [twin, setTwin] = useState("");
  const newest = useRef("");
  newest.current = token;
  useEffect(() => {
    if (!token.trim()) return undefined;
    const timer = setTimeout(() => void ask(token), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [token]);

  const ask = async (asked: string) => {
    setAsking(true);
    try {
      const check = await call({ type: "check_token", token: asked });
      if (newest.current !== asked || check?.type !== "token_check") return;
      if (check.same_as && check.same_as !== bot) return setTwin(check.same_as);
      await call({ type: "save_bot", bot, role, token: asked });
      setToken("");
      onKept?.(check);
    } catch (error) {
      if (newest.current === asked) setFaults(faultsOf(error));
    } finally {
      setAsking(false);
    }
  };
  const enter = (text: string) => {
    setFaults([]);
    setTwin("");
    setToken(text);
  };
  return (
    <Field label={label} hint={t("token.hint")}>
      {(ids) => (
        <>
          <input
              {...ids}
              type="text"
              class="secret"
              autocomplete="off"
              spellcheck={false}
              value={token}
              aria-invalid={faults.length > 0}
              aria-busy={asking}
              onInput={(event) => enter(event.currentTarget.value)}
            />
          <span role="status">
            {asking && (
              <span class="loading small">
                <Spinner />
                {t("token.asking")}
              </span>
            )}
          </span>
          {twin && (
            <div class="faults" role="alert">
              <p>{t("token.same_as", { bot: displayName(twin) })}</p>
            </div>
          )}
          <Faults faults={faults} />
        </>
      )}
    </Field>
  );
}

/** What a bot is called on Discord, or here as long as that isn't known. */
export function displayName(bot: string): string {
  return desk.value?.bots.find((each) => each.bot === bot)?.name || bot;
}

/** That a token is good, and whose it is. */
export function TokenGood({ name }: { name: string }) {
  return (
    <p class="verdict good">
      <Icon name="check" />
      {t("token.good", { name })}
    </p>
  );
}
