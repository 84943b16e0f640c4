/** `GET /livez` and `GET /readyz`, where they answer 200; otherwise a problem. */
import * as Schema from "effect/Schema"

/** The process serves. */
export const Live = Schema.Struct({ status: Schema.Literal("live") })
export type Live = typeof Live.Type

/** Work may be sent to the process. */
export const Ready = Schema.Struct({ status: Schema.Literal("ready") })
export type Ready = typeof Ready.Type
