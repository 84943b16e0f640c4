/** What the webhook is told: one change of health, or one finding that is new or gone. */
import * as Schema from "effect/Schema"
import { Finding } from "./Checks.ts"
import { HealthStatus } from "./Health.ts"
import { IsoInstant, Text } from "./Scalars.ts"

const common = {
  /** When it was seen. */
  at: IsoInstant,
  /** The process that tells; the same for as long as it runs. */
  instance: Text
}

/** Health is a process's own: whether it gets answers. Several processes may each tell theirs. */
export const HealthNotification = Schema.Struct({
  event: Schema.Literal("health"),
  ...common,
  health: Schema.Struct({
    /** Null when nothing was known before. */
    from: Schema.NullOr(HealthStatus),
    to: HealthStatus,
    /** When it came to be so. */
    since: IsoInstant,
    /** The verdict in one sentence. */
    message: Text
  })
})

/** `error`: act on it now; with the SQL that mends it, where there is some. */
export const FindingNotification = Schema.Struct({
  event: Schema.Literal("error"),
  ...common,
  finding: Finding
})

/** What was told as `error` is not found any more. */
export const ResolvedNotification = Schema.Struct({
  event: Schema.Literal("resolved"),
  ...common,
  finding: Schema.Struct({
    /** The check's name. */
    name: Text,
    cacheKey: Text
  })
})

export const Notification = Schema.Union([HealthNotification, FindingNotification, ResolvedNotification])
export type Notification = typeof Notification.Type
