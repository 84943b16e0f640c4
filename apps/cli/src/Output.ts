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
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`

/** `1.2 s` or `34 ms`. */
export const duration = (ms: number): string => ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

/** `512 B`, `1.5 MiB`. */
export const bytes = (n: number): string => {
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10))
  return `${power === 0 ? n : (n / 1024 ** power).toFixed(1)} ${units[power]}`
}
