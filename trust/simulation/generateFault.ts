/** One fault of a scenario: what it waits for, and what it does. */
import type { Dice } from "./generate.ts"
import type { Fault, Moment, Words } from "./Scenario.ts"

/** What a server says to one statement. The texts are those of PostgreSQL 18 and of Neon's proxy. */
const refusals: ReadonlyArray<Words> = [
  { code: "40001", text: "could not serialize access due to concurrent update" },
  { code: "40P01", text: "deadlock detected" },
  { code: "55P03", text: "canceling statement due to lock timeout" },
  { code: "57014", text: "canceling statement due to statement timeout" },
  { code: "57014", text: "canceling statement due to user request" },
  { code: "25006", text: "cannot execute INSERT in a read-only transaction" },
  { code: "53100", text: "could not extend file: No space left on device" },
  { code: "53200", text: "out of memory" },
  { code: "53400", text: "temporary file size exceeds temp_file_limit" },
  { code: "54000", text: "requested length too large" },
  { code: "58030", text: "could not read block" },
  { code: "42501", text: "permission denied for table history" },
  { code: "26000", text: "prepared statement does not exist" },
  { code: "0A000", text: "cached plan must not change result type" },
  { code: "08P01", text: "invalid message format" },
  { code: "XX000", text: "cache lookup failed for relation" },
  { code: "40003", text: "statement completion unknown" }
]

/** What it says when it ends the session. */
const farewells: ReadonlyArray<Words> = [
  { code: "57P01", text: "terminating connection due to administrator command" },
  { code: "57P02", text: "terminating connection because of crash of another server process" },
  { code: "25P03", text: "terminating connection due to idle-in-transaction timeout" },
  { code: "25P04", text: "terminating connection due to transaction timeout" },
  { code: "57P05", text: "terminating connection due to idle-session timeout" },
  { code: "08P01", text: "protocol synchronization was lost" }
]

/** What it says instead of opening one. */
const rebuffs: ReadonlyArray<Words> = [
  { code: "57P03", text: "the database system is starting up" },
  { code: "57P03", text: "the database system is not yet accepting connections" },
  { code: "53300", text: "sorry, too many clients already" },
  { code: "XX000", text: "couldn't connect to compute node" },
  { code: "XX000", text: "control plane request failed" },
  { code: "XX000", text: "endpoint is temporarily unavailable, check your quotas and/or contact our support" },
  { code: "28P01", text: "password authentication failed for user \"sim\"" },
  { code: "3D000", text: "database \"sim\" does not exist" }
]

const statement = (dice: Dice): { readonly on: Moment; readonly nth: number } => {
  const on = dice.pick<Moment>([
    "any",
    "any",
    "begin",
    "insert",
    "insert",
    "mark",
    "commit",
    "commit",
    "commit",
    "read",
    "status"
  ])
  return { on, nth: on === "any" ? dice.whole(1, 120) : on === "status" ? dice.whole(1, 3) : dice.whole(1, 14) }
}

/** Behind the last message of a request or reply there is nothing to cut. */
const cut = (dice: Dice) => ({
  messages: dice.whole(0, 6),
  bytes: dice.pick([0, 0, 1, 4, 5, 6, 12]),
  how: dice.pick(["end", "reset"] as const)
})

const delay = (dice: Dice) => dice.pick([10, 60, 300, 900, 1500, 3500])

export const makeFault = (dice: Dice): Fault => {
  const connect = { on: "connect", nth: dice.whole(1, 5) } as const
  switch (dice.whole(0, 25)) {
    case 0:
    case 1:
    case 2:
      return { ...statement(dice), kind: "cutRequest", ...cut(dice) }
    case 3:
    case 4:
    case 5:
    case 6:
      return { ...statement(dice), kind: "cutReply", ...cut(dice) }
    case 7:
      return { ...statement(dice), kind: "delayRequest", ms: delay(dice) }
    case 8:
      return { ...statement(dice), kind: "delayReply", ms: delay(dice) }
    case 9:
      return { ...statement(dice), kind: "slow", ms: delay(dice) }
    case 10:
      return { ...statement(dice), kind: "loseRequest" }
    case 11:
      return { ...statement(dice), kind: "loseReply" }
    case 12:
    case 13:
      return { ...statement(dice), kind: "refuse", words: dice.pick(refusals) }
    case 14:
    case 15:
      return { ...statement(dice), kind: "fatal", words: dice.pick(farewells), executed: dice.chance(0.5) }
    case 16:
      return { ...statement(dice), kind: "slice", pieces: dice.pick([2, 3, 7, 1000]) }
    case 17:
      return { ...statement(dice), kind: "garbage" }
    case 18:
      return { ...statement(dice), kind: dice.pick(["restart", "crash"] as const), ms: dice.whole(5, 500) }
    case 19:
      return { ...connect, kind: dice.pick(["connectRefused", "connectHang", "connectHang", "connectCut"] as const) }
    case 20:
      return { ...connect, kind: "connectFatal", words: dice.pick(rebuffs) }
    case 21:
      return { ...connect, kind: "connectSlow", ms: delay(dice) }
    case 22:
    case 23:
      return { ...statement(dice), kind: "strand", ms: delay(dice) }
    default:
      return dice.chance(0.5)
        ? { on: "cancel", nth: dice.whole(1, 2), kind: "cancelLost" }
        : { on: "cancel", nth: dice.whole(1, 3), kind: "cancelLate", ms: delay(dice) }
  }
}
