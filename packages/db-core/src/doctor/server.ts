/**
 * The server: what it is, whether it takes writes, and whether it has connections left.
 */
import * as Effect from "effect/Effect"
import { connectionLimits } from "../catalog/connections.ts"
import { serverOverview } from "../catalog/serverOverview.ts"
import { sessionLimits } from "../catalog/sessionLimits.ts"
import type { DbConfigShape } from "../config/DbConfig.ts"
import type { DbError } from "../errors/DbError.ts"
import type { Conversation } from "./Conversation.ts"
import { type Complaint, judged, type Outcome, type Seen } from "./Step.ts"

/** The oldest one that is tested with: `server_version_num`. */
const oldestVersion = 150_000

/** A compute that started so shortly ago was probably woken by this very connection. Milliseconds. */
const justWoken = 30_000

/** Of the server, or of the role or database that has a limit of its own. */
interface Room {
  readonly seen: Seen
  readonly complaints: ReadonlyArray<Complaint>
}

const roomOf = ({ ask, server }: Conversation, { poolMax }: DbConfigShape): Effect.Effect<Room, DbError> =>
  Effect.map(ask(connectionLimits), (answer) => {
    if (!answer.isAvailable) return { seen: {}, complaints: [] }
    const mine = answer.rows.filter(({ kind, name }) =>
      kind === "server" || (kind === "role" && name === server.role) ||
      (kind === "database" && name === server.database)
    )
    const whole = mine.find(({ kind }) => kind === "server")
    const rooms = mine.map(({ kind, limit, reserved, used }) => {
      // A superuser gets the reserved ones too.
      const most = kind === "server" && server.isSuperuser ? limit + reserved : limit
      return { kind, most, left: Math.max(0, most - used) }
    })
    const narrow = rooms.reduce((least, one) => one.left < least.left ? one : least, rooms[0]!)
    return {
      seen: {
        maxConnections: (whole?.limit ?? 0) + (whole?.reserved ?? 0),
        reservedConnections: whole?.reserved ?? null,
        usedConnections: whole?.used ?? null,
        connectionsLeft: narrow.left
      },
      // The doctor's own one comes back.
      complaints: narrow.left + 1 >= poolMax ? [] : [{
        summary: `${narrow.left} connections are left for this role, and one process may open ${poolMax}`,
        advice: `set EMS_POOL_MAX lower, or raise the limit of the ${narrow.kind} (${
          narrow.kind === "server" ? "max_connections" : `ALTER ${narrow.kind.toUpperCase()} … CONNECTION LIMIT`
        }); it is ${narrow.most}`
      }]
    }
  })

export const server = (talk: Conversation, config: DbConfigShape): Effect.Effect<Outcome, DbError> =>
  Effect.gen(function*() {
    const overview = yield* talk.one(serverOverview)
    const room = yield* roomOf(talk, config)
    const limits = yield* talk.ask(sessionLimits)
    const { isStandby } = overview
    const isReadOnly = limits.isAvailable &&
      limits.rows.some(({ name, value }) => name === "default_transaction_read_only" && value === "on")
    const { isNeon, version } = talk.server
    const region = isNeon ? /^[^.]+\.([a-z0-9.-]+)\.neon\.tech$/.exec(config.target.host)?.[1] : undefined
    return judged(`Postgres ${overview.version}`, {
      version: overview.version,
      isStandby,
      isReadOnly,
      encoding: overview.encoding,
      startedAt: overview.startedAt,
      ...(isNeon ? { region: region ?? null, wasSuspended: overview.uptimeMs < justWoken } : {}),
      ...room.seen
    }, [
      ...(version >= oldestVersion ? [] : [{
        summary: `Postgres ${overview.version} is older than what this is tested with`,
        advice: "upgrade the server to 15 or newer"
      }]),
      ...(isStandby
        ? [{
          summary: "the server is a standby: it can be read, and refuses to write",
          advice: "write the primary's host into DATABASE_URL; after a failover, the name that follows the primary"
        }]
        : []),
      ...(isReadOnly && !isStandby
        ? [{
          summary: "transactions are read only unless they say otherwise",
          advice:
            "ALTER ROLE … RESET default_transaction_read_only; or the same of the database or the server: a host " +
            "sets it too when its disk is full"
        }]
        : []),
      ...(overview.encoding === "UTF8" ? [] : [{
        summary: `the database's encoding is ${overview.encoding}, which has not every character`,
        advice: "make a database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and move the data"
      }]),
      ...room.complaints
    ])
  })
