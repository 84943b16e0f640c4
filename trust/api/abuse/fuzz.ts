/** Requests made from the OpenAPI document, and wrong in every way; nothing breaks, and nothing is given away. */
import type { Outcome } from "../Case.ts"
import type { Stage } from "../Stage.ts"
import { type Answer, type Lost, statusOf, Wire, Wires } from "../Wire.ts"
import type { Attempt } from "./Attempt.ts"
import { brokenFraming, pipelined } from "./brokenFraming.ts"
import { Dice } from "./Dice.ts"
import { Judge } from "./Judge.ts"
import { mutated } from "./mutations.ts"
import { Suspect } from "./Suspect.ts"
import { validRequest } from "./validRequest.ts"

const workers = 16

/** Of what is sent: no request any more. */
const brokenPart = 0.08

/** Logging in takes a password's time each: it has its own case. */
const rare = /\/(login|first-admin)$/

const next = (suspect: Suspect, dice: Dice): Attempt => {
  const { document, known } = suspect
  if (dice.isLucky(brokenPart)) return brokenFraming(known.accessToken, dice)
  const operation = dice.of(document.operations)
  if (rare.test(operation.path) && dice.isLucky(0.5)) return next(suspect, dice)
  return mutated(validRequest(document, operation, known, dice), known.accessToken, dice)
}

/** On a connection of its own, which is of no use afterwards. */
const alone = async (url: string, one: Attempt, judge: Judge): Promise<void> => {
  const wire = await Wire.open(url)
  void wire.send(one.bytes)
  if (one.isDropped === true) {
    judge.requests++
    await new Promise((resolve) => setTimeout(resolve, 2))
    wire.close()
    return
  }
  // It may wait for more that never comes: what matters is that it is not for ever, which a case of its own shows.
  const answer = await wire.answer({ timeout: 500 })
  judge.take(one, answer === "hung" ? "closed" : answer)
  wire.close()
}

/** Sends `count` of them. */
export const storm = async (suspect: Suspect, judge: Judge, dice: Dice, count: number): Promise<void> => {
  const wires = new Wires(suspect.server.url)
  let sent = 0
  await Promise.all(Array.from({ length: workers }, async () => {
    while (sent < count && suspect.server.child.exitCode === null) {
      const at = ++sent
      const one = next(suspect, dice)
      try {
        if (one.expects === "anything") await alone(suspect.server.url, one, judge)
        else judge.take(one, await wires.exchange(one.bytes, { isHead: one.isHead }))
        if (at % 1000 === 0) {
          const status = statusOf(await wires.ask({ target: "/livez" }))
          if (status !== 200) judge.add(`/livez is answered ${status} after ${at} requests`)
        }
      } catch (error) {
        judge.add(`${one.operation}, ${one.kind}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }))
  wires.close()
}

/**
 * Bun closes a connection on which a request comes while the answer to the one before is still being made. So the last
 * ones may be without an answer; none may have another's.
 */
const inOrder = async ({ known, server }: Suspect, judge: Judge): Promise<void> => {
  const { bytes, statuses } = pipelined(known.accessToken)
  const wire = await Wire.open(server.url)
  await wire.send(bytes)
  const seen: Array<number> = []
  let last: Answer | Lost = "closed"
  for (const _ of statuses) {
    last = await wire.answer({ timeout: 5000 })
    if (typeof last === "string") break
    seen.push(last.status)
  }
  judge.requests += statuses.length
  const isBegun = seen.length > 0 && seen.every((status, at) => status === statuses[at])
  if (!isBegun || last === "hung" || wire.pending !== "") {
    judge.add(`pipelined requests are answered ${seen.join(" ")}, then ${statusOf(last)}; not ${statuses.join(" ")}`)
  }
  wire.close()
}

export const fuzz = async (stage: Stage): Promise<Outcome> => {
  const suspect = await Suspect.start(stage)
  const judge = new Judge(suspect.canaries)
  const count = stage.quick ? 1200 : 20_000
  await storm(suspect, judge, new Dice(stage.random), count)
  await inOrder(suspect, judge)
  const problems = await suspect.end()
  return {
    problems: [...judge.problems, ...suspect.canaries.problems, ...problems],
    figures: { requests: judge.requests, unexpected5xx: judge.unexpected5xx, leaks: suspect.canaries.leaks },
    note: `${judge.requests} requests: ${judge.summary}; looked through them, ${
      suspect.server.log.split("\n").length
    } lines of log, ${suspect.sink.spans} spans, ${suspect.sink.metrics} exports of metrics`
  }
}
