// Works on a project through `clearing serve --stdio`: node client.mjs CLEARING PROJECT
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const [program, workspace] = process.argv.slice(2);
const server = spawn(program, ["serve", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const ended = new Promise((resolve) => server.on("exit", resolve));
const waiting = new Map();
let last = 0;

createInterface({ input: server.stdout }).on("line", (line) => {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === "exec/output") console.log(params.stream, JSON.stringify(params.text));
  if (!waiting.has(id)) return;
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (error) reject(error);
  else resolve(result);
});

const write = (message) => server.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");

// Sends a request; `id` cancels it, `answer` comes later, and several may be under way.
function send(method, params) {
  const id = ++last;
  const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  write({ id, method, params });
  return { id, answer };
}
const call = (method, params) => send(method, params).answer;
const cancel = (id) => write({ method: "$/cancelRequest", params: { id } });

const { tier } = await call("initialize", { client: { name: "client.mjs" } });
console.log("tier", tier);
const { session } = await call("session/create", { workspace });
const start = (script) => send("exec/start", { session, argv: ["sh", "-c", script] });
const run = async (script) => (await start(script).answer).exitCode;

console.log("exit", await run("echo one; echo kept > kept"));
await call("snapshot/create", { session, label: "good" });
console.log("exit", await run("rm kept; echo bad > bad; exit 3"));
const sleeping = start("sleep 600");
cancel(sleeping.id);
console.log("cancelled", await sleeping.answer.catch((error) => error.data.code));
await call("snapshot/rollback", { session, snapshot: "good" });
const { changes } = await call("changes/diff", { session });
console.log("changes", ...changes.map(({ status, path }) => `${status} ${path}`));
await call("changes/commit", { session });
await call("session/destroy", { session });
server.stdin.end();
console.log("server", await ended);
