// The frame around every page.

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { faultText, language, speaks, t, type Key } from "./i18n";
import { About } from "./pages/about";
import { ChainPage } from "./pages/chain";
import { HistoryPage } from "./pages/history";
import { Mixer } from "./pages/mixer";
import { SettingsPage } from "./pages/settings";
import { Wizard } from "./pages/wizard";
import { Asked } from "./parts/asked";
import { Banners } from "./parts/banners";
import { Button, Loading } from "./parts/basics";
import { Icon } from "./parts/icons";
import { listenToKeys, ShortcutSheet } from "./parts/shortcuts";
import { TopBar } from "./parts/topbar";
import { PAGES, page, type Page } from "./state/route";
import { desk, dismiss, notices } from "./state/store";

const BODY: Readonly<Record<Page, () => preact.JSX.Element | null>> = {
  mixer: Mixer,
  chain: ChainPage,
  setup: Wizard,
  settings: SettingsPage,
  history: HistoryPage,
  about: About,
};

effect(() => {
  document.documentElement.lang = language.value;
  document.documentElement.dataset["theme"] = desk.value?.preferences.theme ?? "system";
  document.title = `${t(`page.${page.value}` as Key)} – DiscordVoiceComm`;
});

export function App() {
  const [sheet, setSheet] = useState(false);
  useEffect(() => listenToKeys(() => setSheet(true)), []);
  const Body = BODY[page.value];
  if (!speaks.value) return null;
  return (
    <div class="frame">
      <a class="skip" href="#content" onClick={skip}>
        {t("nav.skip")}
      </a>
      <Navigation onSheet={() => setSheet(true)} />
      <div class="main">
        <TopBar />
        <Banners />
        <Notices />
        <main id="content" tabIndex={-1}>
          <Heading />
          {desk.value ? <Body /> : <Loading />}
        </main>
      </div>
      {sheet && <ShortcutSheet onClose={() => setSheet(false)} />}
      <Asked />
    </div>
  );
}

/** The address names the page, so that a link to a part of it would open another page. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** The page's name; who goes to another page starts to read there. */
function Heading() {
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const name = page.value;
  useEffect(() => {
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [name]);
  return (
    <h1 ref={heading} tabIndex={-1} class={name === "mixer" ? "visually-hidden" : ""}>
      {t(`page.${name}` as Key)}
    </h1>
  );
}

function Navigation({ onSheet }: { onSheet: () => void }) {
  return (
    <nav class="nav" aria-label={t("nav.label")}>
      <span class="brand" aria-hidden="true">
        <img src="/favicon.svg" alt="" width="28" height="28" />
      </span>
      <ul>
        {PAGES.map((name) => (
          <li key={name}>
            <a href={`#/${name}`} aria-current={page.value === name ? "page" : undefined}>
              <Icon name={name} />
              <span>{t(`page.${name}` as Key)}</span>
            </a>
          </li>
        ))}
      </ul>
      <button type="button" class="nav-keys" onClick={onSheet}>
        <Icon name="keys" />
        <span>{t("keys.title")}</span>
      </button>
    </nav>
  );
}

/** What went wrong, until it is closed. */
function Notices() {
  return (
    <div class="notices" role="alert">
      {notices.value.map((notice) => (
        <div class="notice" key={notice.id}>
          <p>{faultText(notice.fault)}</p>
          <Button kind="quiet" aria-label={t("action.close")} onClick={() => dismiss(notice.id)}>
            <Icon name="close" />
          </Button>
        </div>
      ))}
    </div>
  );
}
