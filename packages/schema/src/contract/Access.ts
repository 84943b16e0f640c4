/** Logging in, sessions, machine tokens, and the audit log. */
import * as Schema from "effect/Schema"
import { Count, IsoInstant, Text } from "./Scalars.ts"

export const AccessRole = Schema.Literals(["viewer", "operator", "admin"])

export const AccessScope = Schema.Literals([
  "database:read",
  "metrics:read",
  "events:read",
  "database:maintain",
  "database:signal",
  "database:explain",
  "access:manage"
])

/** Not longer than what any account or credential of ours can be; what is in it is looked at by who checks it. */
const Typed = (maximum: number) => Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maximum))

export const Credentials = Schema.Struct({ email: Typed(254), password: Typed(1024) })

export const RefreshRequest = Schema.Struct({ refreshToken: Typed(512) })

/** The first administrator, made by who has the token that was printed at start. */
export const FirstAdmin = Schema.Struct({ token: Typed(512), email: Typed(254), password: Typed(1024) })

export const Me = Schema.Struct({
  kind: Schema.Literals(["user", "token", "anonymous"]),
  id: Text,
  name: Text,
  role: AccessRole,
  scopes: Schema.Array(AccessScope)
})

/** As in RFC 6749, 5.1. */
export const Session = Schema.Struct({
  /** Sent as `Authorization: Bearer …`. */
  accessToken: Text,
  tokenType: Schema.Literal("Bearer"),
  /** Seconds. */
  expiresIn: Count,
  /** Good for one refresh. Used twice it ends the session: one of the two is not who it was given to. */
  refreshToken: Text,
  refreshExpiresAt: IsoInstant
})

export const MachineToken = Schema.Struct({
  id: Text,
  name: Text,
  role: AccessRole,
  scopes: Schema.Array(AccessScope),
  createdBy: Schema.NullOr(Schema.String),
  createdAt: IsoInstant,
  /** Null for never. */
  expiresAt: Schema.NullOr(IsoInstant),
  revokedAt: Schema.NullOr(IsoInstant),
  /** Within some minutes; null when it was not used yet. */
  lastUsedAt: Schema.NullOr(IsoInstant)
})

export const NewMachineToken = Schema.Struct({
  name: Schema.String.check(
    Schema.isPattern(/^[A-Za-z][\w.-]{0,62}$/u, { expected: "a letter, then up to 62 letters, digits, ., _ or -" })
  ),
  role: AccessRole,
  /** All that the role may when it is not given. */
  scopes: Schema.optionalKey(Schema.Array(AccessScope).check(Schema.isMinLength(1), Schema.isUnique())),
  expiresAt: Schema.optionalKey(IsoInstant)
})

export const IssuedMachineToken = Schema.Struct({
  id: Text,
  /** Shown this once. */
  token: Text
})

export const AuditEntry = Schema.Struct({
  id: Text,
  at: IsoInstant,
  finishedAt: Schema.NullOr(IsoInstant),
  /** As `Me.id`. */
  actor: Text,
  actorName: Schema.String,
  /** Such as `maintenance.vacuumTables`. */
  action: Text,
  /** As it was asked for: also what was refused. */
  target: Schema.String,
  reason: Schema.NullOr(Schema.String),
  requestId: Schema.NullOr(Schema.String),
  /** Null: it is under way, or nobody knows what became of it. */
  outcome: Schema.NullOr(Schema.Literals(["succeeded", "failed", "interrupted"])),
  /** Why it failed, in one word. */
  detail: Schema.NullOr(Schema.String)
})

export const AuditQuery = Schema.Struct({
  /** 1 to 200, default 50. */
  limit: Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 200 }))
  ),
  /** Entries before the one with this id. */
  before: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d{1,18}$/u, { expected: "the id of an entry" })))
})

/** The latest first. */
export const AuditLog = Schema.Struct({ items: Schema.Array(AuditEntry) })

export const MachineTokens = Schema.Struct({ items: Schema.Array(MachineToken) })
