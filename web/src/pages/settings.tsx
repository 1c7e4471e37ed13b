// Settings: the program itself, bots, presets, where tokens are, the old file, the bot pack.

import { useState } from "preact/hooks";
import type { BotInfo, Desk, LegacyInfo, Preferences, SecretsInfo } from "../gen/protocol";
import { t, type Key, faultText } from "../i18n";
import { Button, Field, Segments, Switch, WorkButton, useWork, Faults } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { setSingleKeys, singleKeys } from "../parts/shortcuts";
import { TokenField } from "../parts/token";
import { go } from "../state/route";
import { call, desk, session, tell } from "../state/store";

export function SettingsPage() {
  const known = desk.value;
  if (!known) return null;
  return (
    <div class="settings">
      <Program preferences={known.preferences} />
      <Bots bots={known.bots} />
      <Presets names={known.presets} />
      <Secrets secrets={known.secrets} />
      <PackSection />
      {known.legacy && <Legacy legacy={known.legacy} />}
      <Rehearsal known={known} />
    </div>
  );
}

function Program({ preferences }: { preferences: Preferences }) {
  const set = (part: Partial<Preferences>) => void tell({ type: "set_preferences", preferences: { ...preferences, ...part } });
  return (
    <section class="card" aria-labelledby="program">
      <h2 id="program">{t("settings.program")}</h2>
      <Segments
        legend={t("settings.language")}
        value={preferences.language}
        options={[
          ["auto", t("settings.language_auto")],
          ["ja", "日本語"],
          ["en", "English"],
        ]}
        onChange={(language) => set({ language })}
      />
      <Segments
        legend={t("settings.theme")}
        value={preferences.theme}
        options={[
          ["system", t("settings.theme_system")],
          ["light", t("settings.theme_light")],
          ["dark", t("settings.theme_dark")],
        ]}
        onChange={(theme) => set({ theme })}
      />
      <Switch label={t("settings.login")} checked={preferences.start_at_login} onChange={(on) => set({ start_at_login: on })} />
      <Switch
        label={t("settings.notifications")}
        hint={t("settings.notifications_hint")}
        checked={preferences.notifications}
        onChange={(on) => set({ notifications: on })}
      />
      <Switch
        label={t("settings.hotkeys")}
        hint={t("settings.hotkeys_hint")}
        checked={preferences.hotkeys}
        onChange={(on) => set({ hotkeys: on })}
      />
      <Switch label={t("settings.keys")} hint={t("settings.keys_hint")} checked={singleKeys.value} onChange={setSingleKeys} />
    </section>
  );
}

function Bots({ bots }: { bots: readonly BotInfo[] }) {
  return (
    <section class="card" aria-labelledby="bots">
      <h2 id="bots">{t("settings.bots")}</h2>
      {bots.length === 0 && <p class="hint">{t("settings.no_bots")}</p>}
      <ul class="rows">
        {bots.map((bot) => (
          <BotRow key={bot.bot} bot={bot} />
        ))}
      </ul>
      <div class="actions">
        <Button onClick={() => go("setup")}>{t("settings.to_setup")}</Button>
      </div>
    </section>
  );
}

function BotRow({ bot }: { bot: BotInfo }) {
  const cause = session.value?.bots.find((each) => each.bot === bot.bot)?.cause;
  const needed = bot.standing === "missing" || bot.standing === "invalid" || cause === "token_revoked";
  const [entering, setEntering] = useState(false);
  const [removing, setRemoving] = useState(false);
  const name = bot.name || bot.bot;
  return (
    <li>
      <div class="row">
        <span>
          <strong>{name}</strong> <span class="tag">{t(`role.${bot.role}` as Key)}</span>
          <span class={`standing-text ${needed ? "bad" : ""}`}>{t(`token.standing_${bot.standing}` as Key)}</span>
        </span>
        <span class="buttons">
          {!needed && (
            <Button kind="quiet" aria-expanded={entering} onClick={() => setEntering(!entering)}>
              {t("action.new_token")}
            </Button>
          )}
          <Button kind="quiet" onClick={() => setRemoving(true)} aria-label={t("settings.remove_bot", { name })}>
            {t("action.remove")}
          </Button>
        </span>
      </div>
      {needed && <p class="hint">{t("settings.token_needed", { name })}</p>}
      {(needed || entering) && (
        <TokenField bot={bot.bot} role={bot.role} label={t("token.label", { name })} onKept={() => setEntering(false)} />
      )}
      {removing && (
        <Confirm
          title={t("settings.remove_bot", { name })}
          action={t("action.remove")}
          onConfirm={() => void tell({ type: "remove_bot", bot: bot.bot })}
          onClose={() => setRemoving(false)}
        >
          <p>{t("settings.remove_bot_text")}</p>
        </Confirm>
      )}
    </li>
  );
}

function Presets({ names }: { names: readonly string[] }) {
  const [name, setName] = useState("");
  const idle = (session.value?.phase ?? "idle") === "idle";
  return (
    <section class="card" aria-labelledby="presets">
      <h2 id="presets">{t("settings.presets")}</h2>
      <p class="hint">{t("settings.presets_hint")}</p>
      {names.length === 0 && <p class="nobody">{t("settings.no_presets")}</p>}
      <ul class="rows">
        {names.map((each) => (
          <li key={each}>
            <div class="row">
              <strong>{each}</strong>
              <span class="buttons">
                <WorkButton disabled={!idle} work={() => call({ type: "load_preset", name: each })} aria-label={t("settings.load_preset", { name: each })}>
                  {t("action.load")}
                </WorkButton>
                <WorkButton
                  kind="quiet"
                  work={() => call({ type: "remove_preset", name: each })}
                  aria-label={t("settings.remove_preset", { name: each })}
                >
                  {t("action.remove")}
                </WorkButton>
              </span>
            </div>
          </li>
        ))}
      </ul>
      {!idle && names.length > 0 && <p class="hint">{t("settings.presets_running")}</p>}
      <Field label={t("settings.preset_name")}>
        {(ids) => (
          <span class="with-button">
            <input {...ids} maxLength={60} value={name} onInput={(event) => setName(event.currentTarget.value)} />
            <WorkButton disabled={!name.trim()} work={() => call({ type: "save_preset", name: name.trim() }).then(() => setName(""))}>
              {t("action.save")}
            </WorkButton>
          </span>
        )}
      </Field>
    </section>
  );
}

function Secrets({ secrets }: { secrets: SecretsInfo }) {
  return (
    <section class="card" aria-labelledby="secrets">
      <h2 id="secrets">{t("settings.secrets")}</h2>
      <p>{t(`secrets.${secrets.kind}` as Key)}</p>
      <Unlock secrets={secrets} />
    </section>
  );
}

/** What opens the token store where it is closed: a passphrase for the vault, asking again for a keychain. */
export function Unlock({ secrets, onDone }: { secrets: SecretsInfo; onDone?: () => void }) {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const { busy, faults, run } = useWork();
  const [instead, setInstead] = useState(false);
  const making = secrets.kind === "none" || instead;
  if (!making && !secrets.locked && !secrets.fault) return null;
  if (secrets.kind === "keychain" && !instead) {
    return (
      <>
        {secrets.fault && <p class="faults">{faultText(secrets.fault)}</p>}
        <div class="actions">
          <WorkButton work={() => call({ type: "unlock_secrets" }).then(onDone)}>{t("secrets.ask_again")}</WorkButton>
          <Button kind="quiet" onClick={() => setInstead(true)}>
            {t("secrets.instead")}
          </Button>
        </div>
      </>
    );
  }
  const good = first.length >= 8 && first.length <= 256 && (!making || first === second);
  return (
    <form
      class="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        void run(() => call({ type: "unlock_secrets", passphrase: first }).then(onDone));
      }}
    >
      {secrets.fault && <p class="faults">{faultText(secrets.fault)}</p>}
      <PassphraseField label={t("secrets.passphrase")} value={first} onInput={setFirst} making={making} />
      {making && <PassphraseField label={t("secrets.repeat")} value={second} onInput={setSecond} making />}
      {making && second !== "" && first !== second && <p class="faults">{t("secrets.differ")}</p>}
      <div class="actions">
        <Button type="submit" kind="primary" disabled={!good || busy} aria-busy={busy}>
          {t(making ? "secrets.make" : "secrets.open")}
        </Button>
      </div>
      <Faults faults={faults} />
    </form>
  );
}

interface PassphraseProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  making: boolean;
}

function PassphraseField({ label, value, onInput, making }: PassphraseProps) {
  return (
    <Field label={label} hint={making ? t("secrets.length") : undefined}>
      {(ids) => (
        <input
          {...ids}
          type="password"
          minLength={8}
          maxLength={256}
          autocomplete={making ? "new-password" : "current-password"}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** Largest bot pack that is read: the longest message is 1 MiB. */
const MOST_BYTES = 700_000;

function PackSection() {
  const [passphrase, setPassphrase] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [done, setDone] = useState<Key | null>(null);
  const long = passphrase.length >= 8;
  const exported = async () => {
    const pack = await call({ type: "export_pack", passphrase });
    if (pack?.type === "pack") download(pack.data, pack.file_name);
    setDone("pack.exported");
  };
  const imported = async () => {
    if (!file) return;
    await call({ type: "import_pack", data: base64(new Uint8Array(await file.arrayBuffer())), passphrase });
    setDone("pack.imported");
  };
  return (
    <section class="card" aria-labelledby="pack">
      <h2 id="pack">{t("pack.title")}</h2>
      <p class="hint">{t("pack.hint")}</p>
      <PassphraseField label={t("pack.passphrase")} value={passphrase} onInput={setPassphrase} making />
      <div class="actions">
        <WorkButton disabled={!long} work={exported}>
          {t("pack.export")}
        </WorkButton>
      </div>
      <Field label={t("pack.file")}>
        {(ids) => (
          <input {...ids} type="file" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
        )}
      </Field>
      {file && file.size > MOST_BYTES && <p class="faults">{t("pack.too_large")}</p>}
      <div class="actions">
        <WorkButton disabled={!long || !file || file.size > MOST_BYTES} work={imported}>
          {t("pack.import")}
        </WorkButton>
      </div>
      <p role="status">{done && t(done)}</p>
    </section>
  );
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function download(data: string, name: string): void {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The original application's file: take it over, then delete it. */
export function Legacy({ legacy }: { legacy: LegacyInfo }) {
  const [deleting, setDeleting] = useState(false);
  return (
    <section class="card" aria-labelledby="legacy">
      <h2 id="legacy">{t("legacy.title")}</h2>
      <p>{t("legacy.found", { path: legacy.path, tokens: legacy.tokens })}</p>
      {!legacy.imported && (
        <div class="actions">
          <WorkButton kind="primary" work={() => call({ type: "import_legacy" })}>
            {t("legacy.import")}
          </WorkButton>
        </div>
      )}
      {legacy.imported && (
        <>
          <p class="verdict good">{t("legacy.imported")}</p>
          <div class="actions">
            <Button kind="danger" onClick={() => setDeleting(true)}>
              {t("legacy.delete")}
            </Button>
          </div>
        </>
      )}
      {deleting && (
        <Confirm
          title={t("legacy.delete")}
          action={t("legacy.delete")}
          onConfirm={() => void tell({ type: "delete_legacy" })}
          onClose={() => setDeleting(false)}
        >
          <p>{t("legacy.delete_text", { path: legacy.path })}</p>
        </Confirm>
      )}
    </section>
  );
}

function Rehearsal({ known }: { known: Desk }) {
  const idle = (session.value?.phase ?? "idle") === "idle";
  return (
    <section class="card" aria-labelledby="rehearsal">
      <h2 id="rehearsal">{t("rehearsal.title")}</h2>
      <p class="hint">{t("rehearsal.text")}</p>
      <RehearseButton rehearsing={known.rehearsing} idle={idle} />
    </section>
  );
}

/** Start the rehearsal, or end it. */
export function RehearseButton({ rehearsing, idle }: { rehearsing: boolean; idle: boolean }) {
  return (
    <div class="actions">
      {rehearsing ? (
        <WorkButton work={() => call({ type: "stop_rehearsal" })}>{t("rehearsal.stop")}</WorkButton>
      ) : (
        <WorkButton disabled={!idle} work={() => call({ type: "start_rehearsal" }).then(() => go("mixer"))}>
          {t("rehearsal.start")}
        </WorkButton>
      )}
    </div>
  );
}

