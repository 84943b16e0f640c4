/** The contracts of `packages/schema` as what Elysia validates with; the OpenAPI document is written from them too. */
import * as Schema from "effect/Schema"
import type { StandardSchemaV1 } from "effect/StandardSchema"

/** A Standard Schema that remembers its contract, whose encoded side is the JSON on the wire. */
export interface Wire<Input, Output> extends StandardSchemaV1<Input, Output> {
  readonly contract: Schema.Top
}

/**
 * What a route accepts. Members that the contract does not know are refused: Elysia would drop them silently, and a
 * misspelt option would do nothing.
 */
export const request = <S extends Schema.Codec<unknown, unknown>>(contract: S): Wire<S["Encoded"], S["Type"]> => ({
  "~standard": Schema.toStandardSchemaV1(contract, { parseOptions: { onExcessProperty: "error" } })["~standard"],
  contract
})

/**
 * What a route answers: checked against the contract and encoded by it. One that is frozen is checked once, however
 * often it is the answer: what comes from memory is the same object each time, and nobody can have changed it. Whoever
 * freezes an answer freezes all of it.
 */
export const response = <S extends Schema.Codec<unknown, unknown>>(contract: S): Wire<S["Type"], S["Type"]> => {
  // Elysia only ever decodes, so the contract is turned around. It also types what handlers return by the output, so
  // the output is declared as what goes in.
  const standard = Schema.toStandardSchemaV1(Schema.flip(contract))["~standard"]
  const known = new WeakMap<object, ReturnType<typeof standard.validate>>()
  return {
    "~standard": {
      ...standard,
      validate: (value, options) => {
        if (typeof value !== "object" || value === null || !Object.isFrozen(value)) {
          return standard.validate(value, options)
        }
        const before = known.get(value)
        if (before !== undefined) return before
        const result = standard.validate(value, options)
        known.set(value, result)
        return result
      }
    },
    contract
  }
}

export const isWire = (u: unknown): u is Wire<unknown, unknown> =>
  typeof u === "object" && u !== null && "contract" in u && Schema.isSchema(u.contract)
