import { AccessError } from "@ems/access/AccessError"
import { type Account, Accounts } from "@ems/access/Accounts"
import * as Email from "@ems/access/Email"
import type { Role } from "@ems/access/Role"
import * as Contract from "@ems/schema/contract/Accounts"
import * as Effect from "effect/Effect"
import { instant, print } from "../Output.ts"
import { confirm, newPassword } from "../Questions.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { audited, withAccess } from "./Audited.ts"
import { withDatabase } from "./Db.ts"

interface Json {
  readonly json: boolean
}

interface Who extends Json {
  /** An e-mail or an id. */
  readonly who: string
}

/** What was typed could be anything; what is written down for ever is the account that was meant. */
const accountOf = Effect.fnUntraced(function*(who: string) {
  const { list } = yield* Accounts
  const email = Email.parse(who)
  const found = (yield* list).find((account) => account.id === who || account.email === email)
  return found ?? (yield* AccessError.of({ _tag: "UnknownAccount" }))
})

const targetOf = ({ email, id }: Account): string => `user:${id} ${email}`

const changed = (action: Contract.AccessChange["action"], account: Account, text: string, { json }: Json) =>
  print(Contract.AccessChange, { action, target: targetOf(account) }, { json, lines: [text] })

export const runCreate = Effect.fn("emsdb.admin.create")(
  function*({ email: given, json, role }: Json & { readonly email: string; readonly role: Role }) {
    const accounts = yield* Accounts
    const email = yield* Email.decode(given)
    const password = yield* newPassword
    const account = yield* audited(
      { action: "account.create", target: email },
      accounts.create({ email, password, role })
    )
    yield* print(Contract.Account, account, { json, lines: [`${account.email}: ${account.role}, id ${account.id}`] })
  },
  withAccess,
  withDatabase
)

export const runList = Effect.fn("emsdb.admin.list")(
  function*({ json }: Json) {
    const items = yield* Accounts.use(({ list }) => list)
    yield* print(Contract.Accounts, { items }, {
      json,
      lines: items.length === 0 ? ["there is no account; emsdb admin create makes one"] : table(items, [
        { name: "id", of: ({ id }) => id, align: "right" },
        { name: "email", of: ({ email }) => email },
        { name: "role", of: ({ role }) => role },
        { name: "created", of: ({ createdAt }) => instant(createdAt) }
      ], yield* screen)
    })
  },
  withAccess,
  withDatabase
)

export const runRole = Effect.fn("emsdb.admin.role")(
  function*({ json, role, who }: Who & { readonly role: Role }) {
    const { setRole } = yield* Accounts
    const before = yield* accountOf(who)
    const account = yield* audited(
      { action: "account.role", target: targetOf(before), reason: `${before.role} to ${role}` },
      setRole(before.id, role)
    )
    yield* print(Contract.Account, account, { json, lines: [`${account.email}: ${account.role}, was ${before.role}`] })
  },
  withAccess,
  withDatabase
)

export const runPassword = Effect.fn("emsdb.admin.password")(
  function*({ json, who }: Who) {
    const { setPassword } = yield* Accounts
    const account = yield* accountOf(who)
    const password = yield* newPassword
    yield* audited({ action: "account.password", target: targetOf(account) }, setPassword(account.id, password))
    yield* changed("account.password", account, `${account.email}: new password, all sessions ended`, { json })
  },
  withAccess,
  withDatabase
)

export const runRemove = Effect.fn("emsdb.admin.remove")(
  function*({ json, who, yes }: Who & { readonly yes: boolean }) {
    const { remove } = yield* Accounts
    const account = yield* accountOf(who)
    yield* confirm(`Remove ${account.email} (${account.role}) and end its sessions?`, { yes })
    yield* audited({ action: "account.remove", target: targetOf(account) }, remove(account.id))
    yield* changed("account.remove", account, `${account.email}: removed`, { json })
  },
  withAccess,
  withDatabase
)
