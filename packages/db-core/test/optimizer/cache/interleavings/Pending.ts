/** Questions to the model database under way: each is sent, sees one moment, and is answered some time later. */
import * as Effect from "effect/Effect"
import type { DbError } from "../../../../src/errors/DbError.ts"
import type { Key } from "./Scenario.ts"

export interface Question {
  readonly label: string
  /** The query; a poll has none. */
  readonly key: Key | undefined
  /** `cancelled`: whoever asked was interrupted, and waits until the server has stopped. */
  readonly state: "sent" | "seen" | "cancelled"
  /** The server takes its snapshot. */
  readonly see: () => void
  /** Its answer arrives; if it was cancelled, that it was. */
  readonly answer: () => void
  readonly fail: (error: DbError) => void
}

export class Pending {
  private readonly questions = new Set<Question>()
  private readonly asked = new Map<Key | undefined, number>()

  /** Asks; `look` is called when the server takes its snapshot. */
  ask<A>(key: Key | undefined, look: () => A): Effect.Effect<A, DbError> {
    return Effect.callback<A, DbError>((resume) => {
      const count = (this.asked.get(key) ?? 0) + 1
      this.asked.set(key, count)
      let state: Question["state"] = "sent"
      let seen: { readonly value: A } | undefined
      let end = (exit: Effect.Effect<A, DbError>) => resume(exit)
      const question: Question = {
        label: key === undefined ? `poll ${count}` : `query ${count} (${key})`,
        key,
        get state() {
          return state
        },
        see: () => {
          seen = { value: look() }
          state = "seen"
        },
        answer: () => {
          this.questions.delete(question)
          end(Effect.sync(() => seen!.value))
        },
        fail: (error) => {
          this.questions.delete(question)
          end(Effect.fail(error))
        }
      }
      this.questions.add(question)
      return Effect.callback<void>((stopped) => {
        state = "cancelled"
        end = () => stopped(Effect.void)
      })
    })
  }

  [Symbol.iterator](): Iterator<Question> {
    return this.questions[Symbol.iterator]()
  }
}
