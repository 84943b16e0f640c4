/** From a seed to what it does. */
import { random } from "../random.ts"
import { makeFault } from "./generateFault.ts"
import type { Doom, Operation, Scenario } from "./Scenario.ts"

export interface Dice {
  /** A whole number from `low` to `high`. */
  readonly whole: (low: number, high: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(choices: ReadonlyArray<A>) => A
}

export const makeDice = (seed: number): Dice => {
  const next = random(seed)
  const whole = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    whole,
    chance: (probability) => next() < probability,
    pick: (choices) => choices[whole(0, choices.length - 1)]!
  }
}

/** Kinds of operations, each as often as it is to come. */
const kinds = [
  ...Array<"insert">(6).fill("insert"),
  ...Array<"write">(6).fill("write"),
  ...Array<"transaction">(10).fill("transaction"),
  ...Array<"read">(5).fill("read"),
  "disguised",
  "stream",
  "health"
] as const

const doomed = (dice: Dice): { readonly doom?: Doom } =>
  dice.chance(0.06)
    ? {
      doom: {
        when: dice.pick(["now", "commit"]),
        code: dice.pick(["40001", "40P01", "23505", "23514", "P0001", "0A000", "26000", "55P03", "57014", "25006"])
      }
    }
    : {}

const operation = (dice: Dice, at: number, callers: number): Operation => {
  const common = {
    caller: dice.whole(0, callers - 1),
    pause: dice.chance(0.1) ? dice.whole(30, 400) : dice.whole(0, 20),
    ...(dice.chance(0.1) ? { timeout: dice.pick([5, 20, 50, 150, 400, 3000]) } : {}),
    ...(dice.chance(0.1) ? { interrupt: dice.chance(0.7) ? dice.whole(0, 12) : dice.whole(12, 400) } : {})
  }
  const kind = dice.pick(kinds)
  switch (kind) {
    case "insert":
    case "write":
    case "disguised":
      return { ...common, kind, ...doomed(dice) }
    case "transaction":
      return {
        ...common,
        kind,
        inserts: dice.whole(1, 3),
        retry: dice.chance(0.5),
        fails: dice.chance(0.12),
        careless: dice.chance(0.15),
        idle: dice.chance(0.3) ? dice.whole(1, 40) : 0,
        ...(dice.chance(0.3) ? { nested: dice.pick(["kept", "undone"] as const) } : {}),
        ...doomed(dice)
      }
    case "read":
      return { ...common, kind, of: dice.whole(0, Math.max(0, at - 1)), alone: dice.chance(0.3) }
    case "stream":
    case "health":
      return { ...common, kind }
  }
}

/** At least this many operations for each seed. */
export const leastOperations = 30

export const generate = (seed: number): Scenario => {
  const dice = makeDice(seed)
  const callers = dice.whole(2, 6)
  const count = dice.whole(leastOperations, leastOperations + 10)
  return {
    seed,
    settings: {
      backend: dice.chance(0.25) ? "pooler" : "direct",
      poolMax: dice.whole(1, 4),
      sharedDepth: dice.pick([1, 4, 16]),
      queryTimeout: dice.pick([400, 1000, 1000, 2500]),
      acquireTimeout: dice.pick([200, 600, 5000]),
      connectTimeout: dice.pick([100, 300, 2000]),
      resolveTimeout: dice.pick([150, 700, 3000]),
      idleTimeout: dice.pick([200, 30_000, 30_000]),
      maxUses: dice.pick([7500, 7500, 5]),
      latency: dice.pick([0.2, 1, 5])
    },
    operations: Array.from({ length: count }, (_, at) => operation(dice, at, callers)),
    faults: Array.from({ length: dice.whole(2, 9) }, () => makeFault(dice))
  }
}
