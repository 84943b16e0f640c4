/** What is read of the database, for its operators. */
import { Elysia } from "elysia"
import type { Runtime } from "../Runtime.ts"
import { activity } from "./database/activity.ts"
import { blocking } from "./database/blocking.ts"
import { checks } from "./database/checks.ts"
import { connections } from "./database/connections.ts"
import { indexes } from "./database/indexes.ts"
import { metrics } from "./database/metrics.ts"
import { migrations } from "./database/migrations.ts"
import { queries } from "./database/queries.ts"
import { sequences } from "./database/sequences.ts"
import { slowQueries } from "./database/slowQueries.ts"
import { space } from "./database/space.ts"
import { status } from "./database/status.ts"
import { tables } from "./database/tables.ts"
import { top } from "./database/top.ts"
import { vacuum } from "./database/vacuum.ts"

export interface DatabaseOptions {
  /** The folder of the migrations' files. */
  readonly migrations: string
}

export const database = (runtime: Pick<Runtime, "respond">, options: DatabaseOptions) =>
  new Elysia()
    .use(status(runtime))
    .use(metrics(runtime))
    .use(queries(runtime))
    .use(slowQueries(runtime))
    .use(activity(runtime))
    .use(blocking(runtime))
    .use(connections(runtime))
    .use(space(runtime))
    .use(tables(runtime))
    .use(top(runtime))
    .use(indexes(runtime))
    .use(vacuum(runtime))
    .use(sequences(runtime))
    .use(checks(runtime))
    .use(migrations(runtime, options.migrations))
