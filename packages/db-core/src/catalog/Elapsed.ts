/**
 * How long something has gone on: as SQL, and as words of a finding.
 */

/** Milliseconds since an instant, by the server's clock; null when there is none, which GREATEST would pass over. */
export const elapsedMs = (since: string): string => `(extract(epoch from clock_timestamp() - ${since}) * 1000)::float8`

const units: ReadonlyArray<readonly [ms: number, name: string]> = [
  [86_400_000, "days"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"]
]

/** Whole numbers of the largest unit of which there are two at least: `47 min`, `3 days`. */
export const inWords = (ms: number): string => {
  const [size, name] = units.find(([size]) => ms >= 2 * size) ?? [1, "ms"]
  return `${Math.floor(ms / size)} ${name}`
}

export const minutes = (count: number): number => count * 60_000
