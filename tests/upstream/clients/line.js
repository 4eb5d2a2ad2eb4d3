// How a client program is told what to do, and tells what happens; see line.py.

import { createInterface } from "node:readline";

export function tell(event, details) {
  process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
}

export function obey(commands) {
  createInterface({ input: process.stdin }).on("line", (line) => {
    for (const [name, value] of Object.entries(JSON.parse(line))) commands[name](value);
  });
}
