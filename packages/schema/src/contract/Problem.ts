/** Every error of the API as `application/problem+json` (RFC 9457), and of the CLI with `--json`. */
import * as Schema from "effect/Schema"
import { Text } from "./Scalars.ts"

const members = Schema.Struct({
  /** URI reference that names the kind of problem; `about:blank` when the status says all there is to say. */
  type: Schema.String.check(Schema.isPattern(/^\S+$/u, { expected: "a URI reference" })),
  /** The kind of problem in a few words; the same for every problem of one `type`. */
  title: Text,
  /** The HTTP status, 400 to 599. */
  status: Schema.Int.check(Schema.isBetween({ minimum: 400, maximum: 599 })),
  /** What happened this time. Never parameters, rows or text from the database. */
  detail: Schema.optionalKey(Text),
  /** URI reference of this occurrence. */
  instance: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\S+$/u, { expected: "a URI reference" }))),
  /** Finds the request in the logs: 1 to 128 visible ASCII characters. */
  requestId: Schema.String.check(
    Schema.isPattern(/^[!-~]{1,128}$/u, { expected: "1 to 128 visible ASCII characters" })
  ),
  /** The reason in one word for programs, such as `PoolTimeout`. */
  reason: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\w{1,64}$/u, { expected: "one word" })))
})

/** Further members are allowed, as the RFC has it, and kept when decoding: any JSON. */
export const Problem = Schema.StructWithRest(members, [Schema.Record(Schema.String, Schema.Json)])
export type Problem = typeof Problem.Type
