import * as Schema from "effect/Schema"

/** `info`: worth knowing. `warn`: act on it in time. `error`: act on it now. */
export const Severity = Schema.Literals(["info", "warn", "error"])
export type Severity = typeof Severity.Type
