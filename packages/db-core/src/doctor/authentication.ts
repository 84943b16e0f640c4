/**
 * Authentication: the login itself, and for each way it can be refused, where that is mended.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { quoted } from "../catalog/Identifier.ts"
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { Target } from "../config/DbUrl.ts"
import { type Login, login } from "../driver/probe/Login.ts"
import type { Session } from "../driver/Session.ts"
import type { DbError } from "../errors/DbError.ts"
import { type Complaint, failed, judged, type Outcome, type Seen } from "./Step.ts"

const hbaAdvice = (target: Target, said: string): ReadonlyArray<string> => [
  ...(/no encryption|SSL off/.test(said)
    ? ["the server may want TLS here: write sslmode=verify-full instead of sslmode=disable"]
    : []),
  `add a line to pg_hba.conf and reload (select pg_reload_conf()): hostssl ${target.database} ${target.username} ` +
  "<this machine's address>/32 scram-sha-256"
]

const crowded = (said: string): Complaint =>
  /for role/.test(said)
    ? {
      summary: "the role has as many connections as it may have",
      advice: "ALTER ROLE … CONNECTION LIMIT <more>, or lower EMS_POOL_MAX of its processes"
    }
    : /for database/.test(said)
    ? {
      summary: "the database has as many connections as it may have",
      advice: "ALTER DATABASE … CONNECTION LIMIT <more>, or lower EMS_POOL_MAX of its processes"
    }
    : {
      summary: "the server has no connection left for this role",
      advice:
        "lower EMS_POOL_MAX of the processes, put a pooler in front, or raise max_connections; emsdb status, as a " +
        "role with reserved connections, says who has them"
    }

const passwordAdvice = (target: Target): ReadonlyArray<string> => [
  "compare the password in DATABASE_URL; write signs such as @ : / # % as %40 %3A %2F %23 %25",
  `as a superuser: ALTER ROLE ${quoted(target.username)} PASSWORD '…'; and see whether it is still valid: ` +
  "select rolname, rolvaliduntil from pg_roles"
]

/** `said` are the server's own words, before any statement. */
const refusal = (target: Target, { reason }: DbError, said: string, seen: Seen): Outcome => {
  const role = quoted(target.username)
  const database = quoted(target.database)
  switch (reason._tag) {
    case "AuthenticationFailed":
      if (/pg_hba\.conf/.test(said)) {
        return failed("pg_hba.conf lets this user not in from here", seen, ...hbaAdvice(target, said))
      }
      if (/does not exist/.test(said)) {
        return failed(`there is no role ${role}`, seen, `as a superuser: CREATE ROLE ${role} LOGIN PASSWORD '…'`)
      }
      if (/not permitted to log in/.test(said)) {
        return failed(`the role ${role} may not log in`, seen, `as a superuser: ALTER ROLE ${role} LOGIN`)
      }
      if (target.password === undefined) {
        return failed(
          "the server asks for a password, and the URL has none",
          seen,
          "write it into DATABASE_URL: postgres://user:password@host/database"
        )
      }
      return failed(
        "the password is wrong, or there is no such role: a server does not say which",
        seen,
        ...passwordAdvice(target)
      )
    case "DatabaseMissing":
      return failed(
        `there is no database ${database}`,
        seen,
        "emsdb init makes it, if the role may (CREATEDB); or correct the name at the end of DATABASE_URL"
      )
    case "InsufficientPrivilege":
      return failed(
        `the role may not connect to the database ${database}`,
        seen,
        `as its owner: GRANT CONNECT ON DATABASE ${database} TO ${role}`
      )
    case "ResourceExhausted": {
      const { advice, summary } = crowded(said)
      return failed(summary, seen, advice)
    }
    case "ComputeWaking":
      return failed("the server is starting, or being shut down", seen, "wait some seconds and try again")
    case "ProtocolViolation":
      return failed(
        said === "" ? "the server does not understand the login" : `it was refused: ${said}`,
        seen,
        "behind a pooler: add pgbouncer=true to DATABASE_URL, and see that the pooler knows this database and user"
      )
    default:
      return failed(
        reason.message,
        seen,
        said === "" && /no answer within/.test(reason.message)
          ? "the server takes connections and does not answer: look at its log and load, or raise EMS_CONNECT_TIMEOUT_MS"
          : "look at the server's log of this moment"
      )
  }
}

const complaints = (target: Target, { method }: Login): ReadonlyArray<Complaint> => {
  const isClear = target.tls.mode === "disable" && !target.loopback
  if (target.kind === "embedded") return []
  if (method === "md5") {
    return [{
      summary: "the password is proved by MD5, which Postgres 18 advises against",
      advice:
        "set password_encryption = 'scram-sha-256', then the role's password anew, then scram-sha-256 in pg_hba.conf"
    }]
  }
  if (method === "password" && isClear) {
    return [{
      summary: "the password crosses the network in clear",
      advice: "turn TLS on (sslmode=verify-full), and ask for scram-sha-256 in pg_hba.conf"
    }]
  }
  if (method === "none" && !target.loopback) {
    return [{
      summary: "whoever reaches the port is let in without a password",
      advice: "ask for scram-sha-256 in place of trust in pg_hba.conf (a pooler: auth_type), and reload"
    }]
  }
  return []
}

export interface Authenticated {
  readonly outcome: Outcome
  readonly session: Session | undefined
}

export const authentication = (
  config: DbConfigShape,
  target: Target
): Effect.Effect<Authenticated, never, Scope.Scope> =>
  Effect.map(login(config, target), (attempt) => {
    const { method, opened, said } = attempt
    const seen = target.kind === "embedded" ? {} : {
      user: target.username,
      database: target.database,
      hasPassword: target.password !== undefined,
      method: method ?? null
    }
    if (Result.isFailure(opened)) {
      const { reason } = opened.failure
      const told = { ...seen, ...(reason.sqlState === undefined ? {} : { sqlState: reason.sqlState }) }
      return { outcome: refusal(target, opened.failure, said ?? "", told), session: undefined }
    }
    const how = target.kind === "embedded" ? "its one session is open" : `logged in as ${target.username}`
    return { outcome: judged(how, seen, complaints(target, attempt)), session: opened.success }
  })
