/** `pnpm bench <suite> [--rounds N] [--seconds S] [--scale N] [--json FILE]`: our numbers beside a peer's, in one run. */
import { api } from "./api.ts"
import { cache } from "./cache.ts"
import { cli } from "./cli.ts"
import { connection } from "./connection.ts"
import { maintenance } from "./maintenance.ts"
import { parseOptions } from "./options.ts"
import { statistics } from "./statistics.ts"

const suites = { connection, statistics, cache, maintenance, api, cli }

const [suite, ...rest] = process.argv.slice(2)
if (suite === undefined || !(suite in suites)) {
  console.error(
    `usage: pnpm bench <${Object.keys(suites).join("|")}> [--rounds N] [--seconds S] [--scale N] [--json FILE]`
  )
  process.exit(2)
}
process.exit(await suites[suite as keyof typeof suites](parseOptions(rest)))
