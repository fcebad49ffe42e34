// Starts the service with settings from the environment, and ends it when it is told to.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createService } from "./service.js";

const { version } = JSON.parse(readFileSync(new URL("build.json", import.meta.url), "utf8"));
const port = Number(process.env.PORT ?? 3000);
const service = createService({
  greeting: process.env.GREETING ?? "hello from node",
  version,
  pod: process.env.POD_NAME ?? hostname(),
});

service.listen(port, () => console.log(`listening on port ${service.address().port}`));

// Process 1 of a container is not ended by a signal it does not ask for.
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    console.log(`${signal}: finishing the requests under way`);
    service.close(() => process.exit(0));
    service.closeIdleConnections();
  });
}
