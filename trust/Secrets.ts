/** Canaries: texts that may be nowhere but in the database and on the wire. */
import { inspect } from "node:util"

export type Canaries = Readonly<Record<"password" | "value", string>>

/** Unlike anything else that is printed, and legal in a URL. */
export const makeCanaries = (seed: number): Canaries => ({
  password: `pw-c4n4ry-${seed.toString(36)}`,
  value: `val-c4n4ry-${seed.toString(36)}`
})

const json = (error: unknown): string => {
  try {
    return JSON.stringify(error) ?? ""
  } catch {
    return ""
  }
}

/** Everything of an error that a careless logger could print. */
const everything = (error: unknown): string =>
  [inspect(error, { depth: 20 }), String(error), json(error), error instanceof Error ? error.stack ?? "" : ""].join(
    "\n"
  )

export class Secrets {
  private readonly canaries: Canaries
  private readonly looked = new Map<string, number>()
  /** What was found, once for each kind of error: `value in 23505`. */
  readonly found = new Set<string>()

  constructor(canaries: Canaries) {
    this.canaries = canaries
  }

  text(sink: string, text: string): void {
    for (const [name, canary] of Object.entries(this.canaries)) {
      if (text.includes(canary)) this.found.add(`${name} in ${sink}`)
    }
  }

  /** Inspecting costs milliseconds: three errors of a kind are enough. */
  error(kind: string, error: unknown): void {
    const times = this.looked.get(kind) ?? 0
    this.looked.set(kind, times + 1)
    if (times < 3) this.text(kind, everything(error))
  }
}
