/** Started as a process by the tests: starts a server, prints it as one line of JSON, stays until its stdin ends. */
import { startPostgres } from "../src/EmbeddedPostgres.ts"

const [dataDir] = process.argv.slice(2)
try {
  const server = await startPostgres(dataDir === undefined || dataDir === "" ? {} : { dataDir })
  const { pid, port, url } = server
  console.log(JSON.stringify({ pid, port, url, dataDir: server.dataDir }))
  process.stdin.resume()
  await new Promise((resolve) => process.stdin.once("end", resolve))
  await server.stop()
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }))
}
