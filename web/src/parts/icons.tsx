// Line icons of 20 × 20; decoration only, the words stand beside them.

const PATHS = {
  mixer: "M4 3v6m0 4v4M10 3v2m0 4v8M16 3v8m0 4v2M2.5 11h3M8.5 7h3M14.5 13h3",
  chain: "M2 10h3m3 0h4m3 0h3M5 8.5h3v3H5zM12 8.5h3v3h-3z",
  setup: "M4 16L14 6m0-3v3h3M3 4h6M3 8h4M11 17h6",
  settings: "M10 7.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6zM10 2v2m0 12v2M2 10h2m12 0h2M4.3 4.3l1.5 1.5m8.4 8.4l1.5 1.5m0-11.4l-1.5 1.5m-8.4 8.4l-1.5 1.5",
  history: "M3 10a7 7 0 107-7 7 7 0 00-6 3.4M3 3v4h4m3-1v4l3 2",
  about: "M10 2.5a7.5 7.5 0 100 15 7.5 7.5 0 000-15zM10 9v5m0-8v.5",
  play: "M6 3.5l10 6.5-10 6.5z",
  stop: "M5 5h10v10H5z",
  undo: "M7 4L3 8l4 4M3 8h8a5 5 0 010 10H8",
  kill: "M10 2v7M5.6 5.2a6.5 6.5 0 108.8 0",
  more: "M4 10h.01M10 10h.01M16 10h.01",
  close: "M5 5l10 10M15 5L5 15",
  check: "M4 10.5l4 4 8-9",
  cross: "M5.5 5.5l9 9m0-9l-9 9",
  dash: "M5 10h10",
  keys: "M2.5 5h15v10h-15zM5 8h.01M8 8h.01M11 8h.01M14 8h.01M6 12h8",
  open: "M8 4H4v12h12v-4M11 3h6v6M17 3l-8 8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
