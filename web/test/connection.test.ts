import { expect, test } from "vitest";
import { CallError, Connection, wait, type Event, type Link, type Socket } from "../src/state/connection";
import { SPAN_MS, Throttle, type Clock } from "../src/state/throttle";

class Hand implements Clock {
  time = 0;
  private waiting: { at: number; call: () => void }[] = [];
  now = () => this.time;
  after = (ms: number, call: () => void) => void this.waiting.push({ at: this.time + ms, call });
  go(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const next = this.waiting.filter((each) => each.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.waiting = this.waiting.filter((each) => each !== next);
      this.time = next.at;
      next.call();
    }
    this.time = until;
  }
}

class Wire implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: { id: number; command: unknown }[] = [];
  send = (data: string) => void this.sent.push(JSON.parse(data));
  close = () => this.onclose?.();
  say = (message: unknown) => this.onmessage?.({ data: JSON.stringify(message) });
}

function connected() {
  const clock = new Hand();
  const [wires, links, events]: [Wire[], Link[], Event[]] = [[], [], []];
  const open = () => {
    wires.push(new Wire());
    return wires.at(-1) as Wire;
  };
  const connection = new Connection(open, (event) => void events.push(event), (link) => void links.push(link), clock);
  connection.connect();
  return { clock, wires, links, events, connection, wire: () => wires.at(-1) as Wire };
}

test("answers find their calls, whatever their order", async () => {
  const { connection, wire } = connected();
  wire().onopen?.();
  const [first, second] = [connection.call({ type: "ping" }), connection.call({ type: "get_about" })];
  const [one, two] = wire().sent.map((call) => call.id);
  wire().say({ type: "answer", id: two, payload: { type: "about", version: "1", ingredients: [] } });
  wire().say({ type: "unanswered", id: one, faults: [{ code: "engine_lost", details: {} }] });
  expect(await second).toMatchObject({ version: "1" });
  await expect(first).rejects.toMatchObject({ faults: [{ code: "engine_lost" }] });
});

test("a lost connection ends what waits, says so, and comes back ever more slowly", async () => {
  const { clock, connection, links, wires, wire } = connected();
  wire().onopen?.();
  const call = connection.call({ type: "ping" });
  wire().close();
  await expect(call).rejects.toBeInstanceOf(CallError);
  await expect(connection.call({ type: "ping" })).rejects.toMatchObject({ faults: [{ code: "panel_away" }] });
  expect(links).toEqual(["open", "away"]);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    clock.go(wait(attempt) - 1);
    expect(wires).toHaveLength(attempt + 1);
    clock.go(1);
    expect(wires).toHaveLength(attempt + 2);
    wire().close();
  }
  expect(wait(50)).toBe(5000);
});

test("events are handed on", () => {
  const { events, wire } = connected();
  wire().say({ type: "changed", revision: 3, kill: true });
  expect(events).toEqual([{ type: "changed", revision: 3, kill: true }]);
});

test("a fader sends at most 25 times a second, and always its last place", () => {
  const clock = new Hand();
  const sent: [number, number][] = [];
  const throttle = new Throttle<number>((value) => void sent.push([clock.time, value]), clock);
  for (let step = 0; step < 300; step += 1) {
    throttle.put("a", step);
    clock.go(5);
  }
  clock.go(1000);
  expect(sent.at(-1)?.[1]).toBe(299);
  expect(sent.every(([at], index) => index === 0 || at - (sent[index - 1] as [number, number])[0] >= SPAN_MS)).toBe(true);
  expect(sent.length).toBeLessThanOrEqual(39);
});

test("two faders do not wait for each other", () => {
  const clock = new Hand();
  const sent: string[] = [];
  const throttle = new Throttle<string>((value) => void sent.push(value), clock);
  throttle.put("a", "a");
  throttle.put("b", "b");
  expect(sent).toEqual(["a", "b"]);
});
