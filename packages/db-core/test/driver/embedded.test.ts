import { driverSuite } from "./suite.ts"

driverSuite("embedded")
