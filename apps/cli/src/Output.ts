/** What a command prints: its contract as one line of JSON, or lines for a person. Logs never go to stdout. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Dies when `value` does not satisfy its own contract: no other program may ever read such a thing. */
export const print = <A, I>(
  schema: Schema.Codec<A, I>,
  value: A,
  options: { readonly json: boolean; readonly lines: ReadonlyArray<string> }
): Effect.Effect<void> =>
  options.json
    ? Schema.encodeEffect(schema)(value).pipe(
      Effect.orDie,
      Effect.flatMap((encoded) => Console.log(JSON.stringify(encoded)))
    )
    : Console.log(options.lines.join("\n"))

/** `1 row`, `2 rows`. */
export const count = (n: number, noun: string, several = `${noun}s`): string => `${n} ${n === 1 ? noun : several}`

/** `1.2 s` or `34 ms`. */
export const duration = (ms: number): string => ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`

const spans = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]] as const

/** The same of what may take days: `3.2 d`, `5.0 h`. */
export const elapsed = (ms: number): string => {
  const span = spans.find(([, length]) => ms >= length)
  return span === undefined ? duration(ms) : `${(ms / span[1]).toFixed(1)} ${span[0]}`
}

/** `98.2 %`. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** `1,234,567`. */
export const figure = (n: number): string => Math.round(n).toLocaleString("en-US")

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 })

/** The same where there is little room: `12,345`, `1.2M`. */
export const shortFigure = (n: number): string => n < 100_000 ? figure(n) : compact.format(n)

/** An ISO instant as people read it: `2026-01-31 23:59:59Z`. */
export const instant = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

/** `512 B`, `1.5 MiB`. */
export const bytes = (n: number): string => {
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10))
  return `${power === 0 ? n : (n / 1024 ** power).toFixed(1)} ${units[power]}`
}
