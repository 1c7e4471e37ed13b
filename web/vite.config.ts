import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { defineConfig, type Plugin } from "vite";

const here = import.meta.dirname;
const root = resolve(here, "..");
const output = resolve(root, "tray/panel/static");

/** Everything that decides what the built page is; devtools/web.py reads the same list in the same way. */
function inputs(): string[] {
  const folder = (path: string): string[] =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const single = ["web/index.html", "web/vite.config.ts", "web/package-lock.json"].map((name) => join(root, name));
  const all = [...folder(join(here, "src")), ...folder(join(here, "public")), ...folder(join(root, "common/locales"))];
  return [...single, ...all].map((path) => relative(root, path).split(sep).join("/")).sort();
}

/** Writes a digest of the inputs beside the page, so that a test can tell a page that is behind its source. */
function stamp(): Plugin {
  return {
    name: "stamp",
    apply: "build",
    closeBundle() {
      const digest = createHash("sha256");
      for (const name of inputs()) digest.update(`${name}\0`).update(readFileSync(join(root, name))).update("\0");
      writeFileSync(join(output, "source.sha256"), `${digest.digest("hex")}\n`);
    },
  };
}

export default defineConfig({
  root: here,
  build: {
    outDir: output,
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  plugins: [stamp()],
  test: { environment: "node", include: ["test/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
