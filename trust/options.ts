import { type ContenderName, contenderNames } from "./contenders/Contender.ts"

export interface Options {
  readonly quick: boolean
  readonly json: string | undefined
  readonly seed: number
  readonly only: ReadonlyArray<string>
  readonly contenders: ReadonlyArray<ContenderName>
  /** Runs of each fault with ours. */
  readonly runs: number
  /** How many times the usual number of operations ours is offered under each fault of a full run. */
  readonly scale: number
  readonly verbose: boolean
  /** Seeds of the simulation; its own number without it. */
  readonly seeds: number | undefined
}

export const usage =
  "pnpm trust [faults|simulation|cache|maintenance|api] [--quick] [--json FILE] [--seed N] [--seeds N] [--runs N] [--scale N] "
  + `[--only F05,F06] [--contender ${contenderNames.join("|")}] [--verbose] | report [--out FILE] FILE...`

export class UsageError extends Error {}

const isContender = (name: string): name is ContenderName => (contenderNames as ReadonlyArray<string>).includes(name)

export const parseOptions = (words: ReadonlyArray<string>): Options => {
  const rest = [...words]
  const values = new Map<string, string>()
  const flags = new Set<string>()
  while (rest.length > 0) {
    const word = rest.shift() ?? ""
    if (word === "--quick" || word === "--verbose") flags.add(word)
    else if (["--json", "--seed", "--only", "--contender", "--runs", "--scale", "--seeds"].includes(word)) {
      const value = rest.shift()
      if (value === undefined) throw new UsageError(`${word} needs a value`)
      values.set(word, value)
    } else throw new UsageError(`unknown: ${word}`)
  }
  const whole = (name: string, otherwise: number) => {
    const value = Number(values.get(name) ?? otherwise)
    if (!Number.isInteger(value) || value < 1) throw new UsageError(`${name} needs a whole number`)
    return value
  }
  const names = values.get("--contender")?.split(",") ?? [...contenderNames]
  const unknown = names.filter((name) => !isContender(name))
  if (unknown.length > 0) throw new UsageError(`no such contender: ${unknown.join(", ")}`)
  return {
    quick: flags.has("--quick"),
    verbose: flags.has("--verbose"),
    seeds: values.has("--seeds") ? whole("--seeds", 1) : undefined,
    json: values.get("--json"),
    seed: whole("--seed", 1 + Math.floor(Math.random() * 1e6)),
    runs: whole("--runs", 1),
    scale: whole("--scale", 24),
    only: values.get("--only")?.split(",") ?? [],
    contenders: names.filter(isContender)
  }
}
