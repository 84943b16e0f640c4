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

/** What a route answers: checked against the contract and encoded by it. */
export const response = <S extends Schema.Codec<unknown, unknown>>(contract: S): Wire<S["Type"], S["Type"]> => ({
  // Elysia only ever decodes, so the contract is turned around. It also types what handlers return by the output, so
  // the output is declared as what goes in.
  "~standard": Schema.toStandardSchemaV1(Schema.flip(contract))["~standard"],
  contract
})

export const isWire = (u: unknown): u is Wire<unknown, unknown> =>
  typeof u === "object" && u !== null && "contract" in u && Schema.isSchema(u.contract)
