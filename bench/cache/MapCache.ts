/** A store for Drizzle's own cache as its documentation writes one, on a Map in place of Keyv. Both versions ask alike. */

/** What keeps the answers, and how often it had one. */
export class MapCache {
  private readonly kept = new Map<string, Array<unknown>>()
  hits = 0

  get(key: string): Array<unknown> | undefined {
    const found = this.kept.get(key)
    if (found !== undefined) this.hits++
    return found
  }

  put(key: string, rows: Array<unknown>): void {
    this.kept.set(key, rows)
  }
}
