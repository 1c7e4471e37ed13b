// Whether every bot may do its work in its channel, and what to change where it may not.

import { useEffect, useState } from "preact/hooks";
import type { PlaceCheck } from "../../gen/protocol";
import { faultText, t, type Key } from "../../i18n";
import { Button, Faults, Loading, useWork } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import { displayName } from "../../parts/token";
import { call } from "../../state/store";
import { Next } from "./next";

export function CheckStep() {
  const { busy, faults, run } = useWork();
  const [places, setPlaces] = useState<readonly PlaceCheck[] | null>(null);
  const check = () =>
    void run(() => call({ type: "check_places" })).then((payload) => {
      if (payload?.type === "place_checks") setPlaces(payload.places);
    });
  useEffect(check, []);
  const works = places?.every((place) => place.works) ?? false;
  return (
    <div class="stack">
      {!places && busy && <Loading />}
      <ul class="rows">
        {places?.map((place) => (
          <Place key={`${place.channel} ${place.bot}`} place={place} />
        ))}
      </ul>
      <Faults faults={faults} />
      <div class="actions">
        <Button disabled={busy} aria-busy={busy} onClick={check}>
          {t("wizard.check_again")}
        </Button>
      </div>
      <Next step="check" disabled={!works} />
    </div>
  );
}

const MARK = { good: "check", warned: "dash", bad: "cross" } as const;

function Place({ place }: { place: PlaceCheck }) {
  const standing = place.faults.length === 0 ? "good" : place.works ? "warned" : "bad";
  return (
    <li>
      <div class="row">
        <span>
          <strong>{place.name || place.channel}</strong> <span class="hint">{displayName(place.bot)}</span>
        </span>
        <span class={`verdict ${standing}`}>
          <Icon name={MARK[standing]} />
          {t(`wizard.place_${standing}` as Key)}
        </span>
      </div>
      {place.faults.map((fault, index) => (
        <p class={standing === "bad" ? "faults" : "hint"} key={index}>
          {faultText(fault)}
        </p>
      ))}
    </li>
  );
}
