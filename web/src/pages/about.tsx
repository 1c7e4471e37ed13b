// Version, licence, and what is inside.

import { useEffect, useState } from "preact/hooks";
import type { About as Contents } from "../gen/protocol";
import { t } from "../i18n";
import { Faults, Loading, useWork } from "../parts/basics";
import { call } from "../state/store";

export function About() {
  const { faults, run } = useWork();
  const [about, setAbout] = useState<Contents | null>(null);
  useEffect(() => {
    void run(() => call({ type: "get_about" })).then((payload) => payload?.type === "about" && setAbout(payload));
  }, []);
  if (faults.length > 0) return <Faults faults={faults} />;
  if (!about) return <Loading />;
  return (
    <div class="stack">
      <section class="card">
        <h2>DiscordVoiceComm {about.version}</h2>
        <p>{t("about.text")}</p>
        <p>{t("about.licence")}</p>
      </section>
      <section class="card">
        <h2>{t("about.inside")}</h2>
        <div class="matrix-scroll tall" tabIndex={0} role="region" aria-label={t("about.inside")}>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t("about.name")}</th>
                <th scope="col">{t("about.version")}</th>
                <th scope="col">{t("about.licence_word")}</th>
              </tr>
            </thead>
            <tbody>
              {about.ingredients.map((each) => (
                <tr key={each.name}>
                  <td>{each.name}</td>
                  <td>{each.version}</td>
                  <td>{each.licence}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  );
}
