import { ems } from "./sides/ems.ts"
const which = process.argv[3] as "built" | "prepared"
const s = (await ems(process.argv[2]!, 1000))[which]
await s.run(32, performance.now() + 500)
const t = performance.now()
const n = await s.run(32, t + 3000)
console.log(which, Math.round(n / ((performance.now() - t) / 1000)))
await s.close()
