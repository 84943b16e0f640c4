/**
 * A query with what its caller asks of the cache: what stays the same from one run to the next.
 */
import type { Described } from "../../driver/DrizzleSession.ts"
import type { Call } from "./Call.ts"
import { Front } from "./Front.ts"
import { keyOf } from "./Key.ts"
import type { Registry, Statement } from "./Registry.ts"

export class Plan {
  readonly described: Described
  readonly call: Call
  private statement: Statement | undefined
  private prefix = ""
  /** None for a plan that is used once. */
  front: Front | undefined
  private readonly isReused: boolean

  constructor(described: Described, call: Call, isReused = false) {
    this.described = described
    this.call = call
    this.isReused = isReused
  }

  /** What is known of its text, looked up once for each state of the definitions. */
  resolve(registry: Registry): Statement | undefined {
    const { statement } = this
    if (statement !== undefined && statement.version === registry.version) return statement
    const found = registry.find(this.described.sql, this.call.declared)
    if (found === undefined || found.version !== registry.version) return undefined
    this.statement = found
    this.prefix = this.prefixFor(found)
    // Its answers are others from now on, even if their tokens should be the same.
    if (this.isReused) this.front = new Front()
    return found
  }

  private prefixFor({ prefix }: Statement): string {
    return prefix + this.described.mode + this.call.scopeKey
  }

  /** Where its answer is kept when it reads as `statement` says; `undefined` when it has no place. */
  keyFor(statement: Statement, params: ReadonlyArray<unknown>): string | undefined {
    return keyOf(this.prefixFor(statement), params)
  }

  /** The same for what `resolve` found last. */
  keyOf(params: ReadonlyArray<unknown>): string | undefined {
    return keyOf(this.prefix, params)
  }
}
