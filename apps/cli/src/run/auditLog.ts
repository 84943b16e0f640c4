import { Audit } from "@ems/access/Audit"
import { AuditLog } from "@ems/schema/contract/Access"
import * as Effect from "effect/Effect"
import { instant, print } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { withAccess } from "./Audited.ts"
import { withDatabase } from "./Db.ts"

type Entry = typeof AuditLog.Type["items"][number]

const outcomeOf = ({ detail, outcome }: Entry): string =>
  outcome === null ? "not known" : detail === null ? outcome : `${outcome}: ${detail}`

export const runAudit = Effect.fn("emsdb.admin.audit")(
  function*({ json, limit }: { readonly limit: number; readonly json: boolean }) {
    const items = yield* Audit.use(({ list }) => list({ limit }))
    yield* print(AuditLog, { items }, {
      json,
      lines: items.length === 0 ? ["nothing was written down yet"] : table(items, [
        { name: "at", of: ({ at }) => instant(at) },
        { name: "who", of: ({ actor, actorName }) => actor === `cli:${actorName}` ? actor : `${actor} ${actorName}` },
        { name: "action", of: ({ action }) => action },
        { name: "target", of: ({ target }) => target, shrinksTo: 12 },
        { name: "reason", of: ({ reason }) => reason, shrinksTo: 6 },
        { name: "outcome", of: outcomeOf, shrinksTo: 9 }
      ], yield* screen)
    })
  },
  withAccess,
  withDatabase
)
