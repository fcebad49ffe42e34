// Makes dist/ from src/: what the image runs. A real project would call its compiler here.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
rmSync("dist", { recursive: true, force: true });
mkdirSync("dist");
cpSync("src", "dist", { recursive: true });
writeFileSync("dist/build.json", `${JSON.stringify({ version, node: process.versions.node })}\n`);
