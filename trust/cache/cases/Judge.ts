/** Says what became of a case. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Case, Wrong } from "./Case.ts"
import type { Contestant, Subject } from "./Subject.ts"

/** A case that takes longer hangs. */
const limitMs = 30_000

export interface CaseOutcome {
  readonly id: string
  readonly subject: string
  /** `broken`: the case itself could not be run, so nothing is known. */
  readonly is: "ok" | "wrong" | "n/a" | "broken"
  /** One line. */
  readonly note: string
  readonly spentMs: number
}

/** What caches failed with. */
const failures = new WeakSet<Error>()

const oneLine = (value: unknown): string => {
  const cause = value instanceof Error && value.cause instanceof Error ? `: ${value.cause.message}` : ""
  const message = value instanceof Error ? `${value.message}${cause}` : String(value)
  return message.replaceAll(/\s+/g, " ").slice(0, 200)
}

/** Errors of the cache are its answers; those of the harness must not pass for it. */
export const watched = (subject: Subject): Subject => {
  const mark = async <A>(answer: Promise<A>): Promise<A> => {
    try {
      return await answer
    } catch (error) {
      if (error instanceof Error) failures.add(error)
      throw error
    }
  }
  return {
    ...subject,
    read: (...given) => mark(subject.read(...given)),
    write: (...given) => mark(subject.write(...given)),
    uncached: (...given) => mark(subject.uncached(...given)),
    readAs: (...given) => mark(subject.readAs(...given)),
    transaction: (use) =>
      subject.transaction((tx) =>
        use({
          read: (...given) => mark(tx.read(...given)),
          write: (...given) => mark(tx.write(...given)),
          uncached: (...given) => mark(tx.uncached(...given))
        })
      ),
    prepare: (build) => {
      const prepared = subject.prepare(build)
      return (values) => mark(prepared(values))
    }
  }
}

export const judge = async (
  one: Case,
  contestant: Contestant,
  act: () => Promise<string | void>
): Promise<CaseOutcome> => {
  const started = performance.now()
  const outcome = (is: CaseOutcome["is"], note: string): CaseOutcome => ({
    id: one.id,
    subject: contestant.name,
    is,
    note,
    spentMs: Math.round(performance.now() - started)
  })
  const limit = new AbortController()
  try {
    const note = await Promise.race([
      act(),
      sleep(limitMs, undefined, { signal: limit.signal }).then(() => {
        throw new Wrong(`no end within ${limitMs} ms`)
      })
    ])
    return outcome("ok", note ?? "")
  } catch (error) {
    if (error instanceof Wrong) return outcome("wrong", oneLine(error))
    if (error instanceof Error && failures.has(error)) return outcome("wrong", `it failed: ${oneLine(error)}`)
    return outcome("broken", oneLine(error))
  } finally {
    limit.abort()
  }
}

export const notFor = ({ id }: Case, { name }: Contestant, reason: string): CaseOutcome => ({
  id,
  subject: name,
  is: "n/a",
  note: reason,
  spentMs: 0
})
