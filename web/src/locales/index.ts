// The words that every language has; their types come from English.

import type { words } from "./en";

export type Words = typeof words;
