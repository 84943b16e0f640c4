import { MachineTokens } from "@ems/access/MachineTokens"
import type { Role, Scope } from "@ems/access/Role"
import * as Contract from "@ems/schema/contract/Access"
import { AccessChange } from "@ems/schema/contract/Accounts"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Expiry } from "../commands/adminToken.ts"
import { operator } from "../Operator.ts"
import { instant, print } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { audited, withAccess } from "./Audited.ts"
import { withDatabase } from "./Db.ts"

interface NewToken {
  readonly name: string
  readonly role: Role
  /** All that the role may when there is none. */
  readonly scope: ReadonlyArray<Scope>
  readonly expires: Option.Option<Expiry>
  readonly json: boolean
}

const instantOf = (expiry: Expiry): Effect.Effect<DateTime.Utc> =>
  "at" in expiry ? Effect.succeed(expiry.at) : Effect.map(DateTime.now, DateTime.add({ days: expiry.days }))

export const runCreate = Effect.fn("emsdb.admin.token.create")(
  function*({ expires, json, name, role, scope }: NewToken) {
    const { create } = yield* MachineTokens
    const expiresAt = Option.isSome(expires) ? yield* instantOf(expires.value) : undefined
    const { id: createdBy } = yield* operator
    const issued = yield* audited(
      { action: "token.create", target: name },
      create({
        name,
        role,
        scopes: scope.length === 0 ? undefined : scope,
        expiresAt: expiresAt === undefined ? undefined : DateTime.toDateUtc(expiresAt),
        createdBy
      })
    )
    yield* print(Contract.IssuedMachineToken, issued, { json, lines: [issued.token] })
    if (json) return
    const until = expiresAt === undefined ? "until it is revoked" : `until ${DateTime.formatIso(expiresAt)}`
    yield* Console.error(`emsdb: token ${name} (id ${issued.id}), ${role}, ${until}; it is not shown again`)
  },
  withAccess,
  withDatabase
)

type Shown = typeof Contract.MachineToken.Type

const stateOf = ({ expiresAt, revokedAt }: Shown, now: DateTime.Utc): string =>
  revokedAt !== null
    ? `revoked ${instant(revokedAt)}`
    : expiresAt === null
    ? "good"
    : `${expiresAt <= DateTime.formatIso(now) ? "expired" : "until"} ${instant(expiresAt)}`

export const runList = Effect.fn("emsdb.admin.token.list")(
  function*({ json }: { readonly json: boolean }) {
    const items = yield* MachineTokens.use(({ list }) => list)
    const now = yield* DateTime.now
    yield* print(Contract.MachineTokens, { items }, {
      json,
      lines: items.length === 0 ? ["there is no token; emsdb admin token create makes one"] : table(items, [
        { name: "id", of: ({ id }) => id, align: "right" },
        { name: "name", of: ({ name }) => name },
        { name: "role", of: ({ role }) => role },
        { name: "scopes", of: ({ scopes }) => scopes.join(" "), shrinksTo: 13 },
        { name: "state", of: (token) => stateOf(token, now) },
        {
          name: "last used",
          of: ({ lastUsedAt }) => lastUsedAt === null ? "never" : instant(lastUsedAt),
          shrinksTo: 10
        }
      ], yield* screen)
    })
  },
  withAccess,
  withDatabase
)

export const runRevoke = Effect.fn("emsdb.admin.token.revoke")(
  function*({ json, token }: { readonly token: string; readonly json: boolean }) {
    const { revoke } = yield* MachineTokens
    yield* audited({ action: "token.revoke", target: token }, revoke(token))
    yield* print(AccessChange, { action: "token.revoke", target: token }, { json, lines: [`token ${token}: revoked`] })
  },
  withAccess,
  withDatabase
)
