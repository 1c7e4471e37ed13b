// A fader on its way: at most one command per span and key, and always the last one.

export interface Clock {
  now(): number;
  /** Calls back once after `ms`. */
  after(ms: number, call: () => void): void;
}

export const BROWSER: Clock = {
  now: () => performance.now(),
  after: (ms, call) => void setTimeout(call, ms),
};

/** 25 a second. */
export const SPAN_MS = 40;

export class Throttle<T> {
  private readonly waiting = new Map<string, T>();
  private readonly sentAt = new Map<string, number>();

  constructor(
    private readonly send: (value: T) => void,
    private readonly clock: Clock = BROWSER,
  ) {}

  /** Send now, or after the span unless something newer with this key comes. */
  put(key: string, value: T): void {
    const left = (this.sentAt.get(key) ?? -Infinity) + SPAN_MS - this.clock.now();
    if (left <= 0) return this.out(key, value);
    if (!this.waiting.has(key)) this.clock.after(left, () => this.due(key));
    this.waiting.set(key, value);
  }

  private due(key: string): void {
    const value = this.waiting.get(key);
    this.waiting.delete(key);
    if (value !== undefined) this.out(key, value);
    else this.sentAt.delete(key);
  }

  private out(key: string, value: T): void {
    this.sentAt.set(key, this.clock.now());
    if (this.sentAt.size > 256) this.sentAt.delete(this.sentAt.keys().next().value as string);
    this.send(value);
  }
}
