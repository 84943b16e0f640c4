/** Accounts of those who operate the product. */
import { Database, type TransactionHandle } from "@ems/db-core/connection/Database"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import { adminUsers } from "@ems/schema"
import { type AnyRelations, asc, eq, or } from "drizzle-orm"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { AccessError, installed } from "./AccessError.ts"
import { type Account, accountOf, columns, lock, revokeSessions, whoIs } from "./AccountRow.ts"
import * as Email from "./Email.ts"
import { KnownPrincipals } from "./KnownPrincipals.ts"
import { Passwords } from "./Passwords.ts"
import type { Role } from "./Role.ts"

export type { Account } from "./AccountRow.ts"

export interface NewAccount {
  readonly email: string
  readonly password: Redacted.Redacted
  readonly role: Role
}

type Failure = AccessError | DbError

/** `who` is an account's id or e-mail. */
export class Accounts extends Context.Service<Accounts, {
  /** Fails with `InvalidInput`, `WeakPassword`, `Overloaded`, `AccountExists`. */
  readonly create: (account: NewAccount) => Effect.Effect<Account, Failure>
  /** In the order of their ids. */
  readonly list: Effect.Effect<ReadonlyArray<Account>, Failure>
  readonly count: Effect.Effect<number, Failure>
  /** Holds at once, also for sessions that are open. Fails with `UnknownAccount`, `LastAdmin`. */
  readonly setRole: (who: string, role: Role) => Effect.Effect<Account, Failure>
  /** Ends all sessions of the account. Fails with `UnknownAccount`, `WeakPassword`, `Overloaded`. */
  readonly setPassword: (who: string, password: Redacted.Redacted) => Effect.Effect<void, Failure>
  /** With its sessions. Fails with `UnknownAccount`, `LastAdmin`. */
  readonly remove: (who: string) => Effect.Effect<void, Failure>
}>()("@ems/access/Accounts") {
  static readonly layerNoDeps = () => Layer.effect(Accounts, make)
}

const unknown = AccessError.of({ _tag: "UnknownAccount" })

/** What the table says to an insert. */
export const refusal = (error: DbError): Failure => {
  switch (error.reason._tag) {
    case "UniqueViolation":
      return AccessError.of({ _tag: "AccountExists" })
    // Postgres and JavaScript do not agree on every letter's lower case.
    case "CheckViolation":
      return AccessError.input("email", "letters whose lower case is the same everywhere")
    default:
      return error
  }
}

const make = Effect.gen(function*() {
  const database = yield* Database
  const known = yield* KnownPrincipals
  const passwords = yield* Passwords

  const find = (who: string) =>
    Effect.gen(function*() {
      const which = whoIs(who)
      if (which === undefined) return yield* unknown
      const [row] = yield* database.query((db) => db.select(columns).from(adminUsers).where(which))
      return row ?? (yield* unknown)
    })

  /** Also when it is not known whether it was done: the database is asked again then. */
  const forgetting = (id: bigint) => Effect.ensuring(known.forget((principal) => principal.id === `user:${id}`))

  /**
   * Locks `who` and every admin, always in the same order, and fails when it is the last one. Of two demotions at once
   * the second waits here, and finds one admin less.
   */
  const lockedBesideAdmins = (tx: TransactionHandle<AnyRelations>, id: bigint, stays: boolean) =>
    Effect.gen(function*() {
      const rows = yield* tx.select(columns).from(adminUsers)
        .where(or(eq(adminUsers.role, "admin"), eq(adminUsers.id, id)))
        .orderBy(asc(adminUsers.id)).for("update")
      const row = rows.find((row) => row.id === id)
      if (row === undefined) return yield* unknown
      const others = rows.filter((row) => row.role === "admin" && row.id !== id)
      if (!stays && row.role === "admin" && others.length === 0) return yield* AccessError.of({ _tag: "LastAdmin" })
      return row
    })

  return {
    create: Effect.fn("Accounts.create")(function*({ email: given, password, role }) {
      const email = yield* Email.decode(given)
      const passwordHash = yield* passwords.hash(password, email)
      const [row] = yield* database.write((db) =>
        db.insert(adminUsers).values({ email, passwordHash, role }).returning(columns)
      ).pipe(Effect.mapError((error) => isDbError(error) ? refusal(error) : error), installed)
      return row === undefined
        ? yield* Effect.die(new Error("INSERT … RETURNING gave no row"))
        : accountOf(row)
    }),
    list: Effect.map(
      installed(database.query((db) => db.select(columns).from(adminUsers).orderBy(asc(adminUsers.id)))),
      (rows) => rows.map(accountOf)
    ),
    count: installed(database.query((db) => db.$count(adminUsers))),
    setRole: Effect.fn("Accounts.setRole")(function*(who, role) {
      const { id } = yield* find(who)
      return yield* database.transaction((tx) =>
        Effect.gen(function*() {
          const row = yield* lockedBesideAdmins(tx, id, role === "admin")
          yield* tx.update(adminUsers).set({ role }).where(eq(adminUsers.id, id))
          return accountOf({ ...row, role })
        }), { retry: true }).pipe(forgetting(id))
    }, installed),
    setPassword: Effect.fn("Accounts.setPassword")(function*(who, password) {
      const { email, id } = yield* find(who)
      const passwordHash = yield* passwords.hash(password, email)
      yield* database.transaction((tx) =>
        Effect.gen(function*() {
          if ((yield* lock(tx, id)) === undefined) return yield* unknown
          yield* tx.update(adminUsers).set({ passwordHash }).where(eq(adminUsers.id, id))
          yield* revokeSessions(tx, id)
        }), { retry: true }).pipe(forgetting(id))
    }, installed),
    remove: Effect.fn("Accounts.remove")(function*(who) {
      const { id } = yield* find(who)
      yield* database.transaction((tx) =>
        Effect.gen(function*() {
          yield* lockedBesideAdmins(tx, id, false)
          yield* tx.delete(adminUsers).where(eq(adminUsers.id, id))
        }), { retry: true }).pipe(forgetting(id))
    }, installed)
  } satisfies Accounts["Service"]
})
