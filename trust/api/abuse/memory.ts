/** The same requests again and again: what they leave behind would show as a slope. */
import { random } from "../../random.ts"
import type { Outcome } from "../Case.ts"
import type { Stage } from "../Stage.ts"
import { Dice } from "./Dice.ts"
import { storm } from "./fuzz.ts"
import { Judge } from "./Judge.ts"
import { Suspect } from "./Suspect.ts"

const rounds = 3

/** Requests of a round. */
const count = 5000

/**
 * From the first measured round to the last, at most. What a collection leaves differs by about 1 MiB from one to the
 * next; a leak of 200 bytes for each request would be 2 MiB by then.
 */
const mostRise = 1.03

export const memory = async (stage: Stage): Promise<Outcome> => {
  const suspect = await Suspect.start(stage)
  const judge = new Judge(suspect.canaries)
  // The same choices in every round: a cache that is bounded by what there is to ask is full after the first.
  const seed = Math.floor(stage.random() * 2 ** 31)
  const round = async (): Promise<number> => {
    await storm(suspect, judge, new Dice(random(seed)), count)
    // Spans wait for their export.
    await new Promise((resolve) => setTimeout(resolve, 1200))
    return suspect.server.heap()
  }
  const heaps = [await round()]
  for (let at = 0; at < rounds; at++) heaps.push(await round())
  const [, ...measured] = heaps
  const problems: Array<string> = []
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(2)
  if ((measured.at(-1) ?? 0) > (measured[0] ?? 0) * mostRise) {
    problems.push(`the heap grows: ${measured.map(mib).join(", ")} MiB after rounds of ${count}`)
  }
  problems.push(...await suspect.end())
  return {
    problems: [...judge.problems, ...suspect.canaries.problems, ...problems],
    figures: { requests: judge.requests, unexpected5xx: judge.unexpected5xx, leaks: suspect.canaries.leaks },
    note: `${heaps.map(mib).join(", ")} MiB of heap after ${rounds + 1} rounds of ${count}, the first to warm up`
  }
}
