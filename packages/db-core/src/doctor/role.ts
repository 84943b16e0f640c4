/**
 * The role: too few rights to do the work, or so many that a mistake has no bounds.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { quoted } from "../catalog/Identifier.ts"
import { internalSchema } from "../catalog/internalSchema.ts"
import { type RoleRights, roleRights } from "../catalog/roleRights.ts"
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { DbError } from "../errors/DbError.ts"
import type { Conversation } from "./Conversation.ts"
import { type Complaint, judged, type Outcome } from "./Step.ts"

const dayMs = 86_400_000

/** A password that ends sooner is told of; as for certificates. */
const warnDays = 14

/** Sessions of one process beside its pool: one that locks, three that work past the pooler, one that reads changes. */
const besidePool = 5

const validity = ({ role, validUntil }: RoleRights, now: number): ReadonlyArray<Complaint> => {
  if (validUntil === null) return []
  const days = Math.floor((Date.parse(validUntil) - now) / dayMs)
  if (days >= warnDays) return []
  return [{
    summary: days < 0 ? "the role's password has ended" : `the role's password ends on ${validUntil.slice(0, 10)}`,
    advice: `ALTER ROLE ${quoted(role)} VALID UNTIL 'infinity', or a later day with a new password`
  }]
}

const tables = (rights: RoleRights): ReadonlyArray<Complaint> => {
  const { owners, ownedByOthers, role, schema, tables, unreadable, unwritable } = rights
  const complaints: Array<Complaint> = []
  const all = `ALL TABLES IN SCHEMA ${quoted(schema ?? "public")} TO ${quoted(role)}`
  if (unreadable > 0 || unwritable > 0) {
    complaints.push({
      summary: `of ${tables} tables the role may not read ${unreadable} and may not write ${unwritable}`,
      advice: `GRANT USAGE ON SCHEMA ${quoted(schema ?? "public")} TO ${quoted(role)}; ` +
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ${all}`
    })
  }
  if (ownedByOthers > 0) {
    complaints.push({
      summary:
        `${ownedByOthers} of ${tables} tables belong to ${owners.join(", ")}: the role cannot migrate, index or ` +
        "vacuum them",
      advice: `GRANT ${owners.map(quoted).join(", ")} TO ${
        quoted(role)
      }, or run migrations and maintenance as that role`
    })
  }
  return complaints
}

const creating = (rights: RoleRights): ReadonlyArray<Complaint> => {
  const { createsSchemas, createsTables, database, hasInternalSchema, role, schema } = rights
  const complaints: Array<Complaint> = []
  if (!createsSchemas && !hasInternalSchema) {
    complaints.push({
      summary: `the role may not make the schema ${internalSchema}`,
      advice: `GRANT CREATE ON DATABASE ${quoted(database)} TO ${quoted(role)}, or run emsdb init as its owner`
    })
  }
  if (schema === null) {
    complaints.push({
      summary: "no schema of the search path is there, or may be used",
      advice: `GRANT USAGE, CREATE ON SCHEMA public TO ${quoted(role)}, or ALTER ROLE ${
        quoted(role)
      } SET search_path = …`
    })
  } else if (!createsTables) {
    complaints.push({
      summary: `the role may not make tables in the schema ${schema}`,
      advice: `GRANT USAGE, CREATE ON SCHEMA ${quoted(schema)} TO ${quoted(role)}, or run migrations as its owner`
    })
  }
  return complaints
}

const watching = ({ readsAllStats, role }: RoleRights): ReadonlyArray<Complaint> =>
  readsAllStats ? [] : [{
    summary: "the role does not see what other roles do: reports and checks are about its own sessions alone",
    advice: `GRANT pg_monitor TO ${quoted(role)}`
  }]

export const role = (talk: Conversation, config: DbConfigShape): Effect.Effect<Outcome, DbError> =>
  Effect.gen(function*() {
    const rights = yield* talk.one(roleRights)
    const now = yield* Clock.currentTimeMillis
    const { connectionLimit, isSuperuser, signalsBackends } = rights
    const limit = connectionLimit < 0 || isSuperuser ? null : connectionLimit
    const { owners, ...facts } = rights
    const seen = { ...facts, connectionLimit: limit, owners: owners.join(", ") }
    // The one role of an embedded database is a superuser.
    if (talk.server.backend === "embedded") return judged("the one role there is", seen, [])
    const most = config.poolMax + besidePool
    return judged(
      "the role has the rights it needs",
      seen,
      [
        ...(isSuperuser
          ? [{
            summary: "the role is a superuser: no mistake of a program, and no injected statement, is refused",
            advice: `make one without: CREATE ROLE app LOGIN PASSWORD '…'; GRANT CREATE ON DATABASE ${
              quoted(rights.database)
            } TO app; GRANT pg_monitor TO app; then hand over the tables: ALTER TABLE … OWNER TO app`
          }]
          : []),
        ...creating(rights),
        ...tables(rights),
        ...watching(rights),
        ...validity(rights, now),
        ...(limit === null || limit >= most ? [] : [{
          summary: `the role may have ${limit} connections, and one process opens up to ${most}`,
          advice: `ALTER ROLE ${
            quoted(rights.role)
          } CONNECTION LIMIT ${most}, times the processes; or lower EMS_POOL_MAX`
        }])
      ],
      signalsBackends
        ? []
        : [`for emsdb cancel and kill on sessions of other roles: GRANT pg_signal_backend TO ${quoted(rights.role)}`]
    )
  })
