#!/usr/bin/env python3
"""Works on a project through `clearing serve --stdio`: client.py CLEARING PROJECT"""
import json
import subprocess
import sys
import threading
from concurrent.futures import Future


class Clearing:
    def __init__(self, program):
        pipe = subprocess.PIPE
        self.server = subprocess.Popen([program, "serve", "--stdio"], stdin=pipe, stdout=pipe)
        self.waiting, self.last = {}, 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.server.stdout:
            message = json.loads(line)
            if "id" in message:
                self.waiting.pop(message["id"]).set_result(message)
            elif message["method"] == "exec/output":
                print(message["params"]["stream"], json.dumps(message["params"].get("text")))

    def write(self, **message):
        self.server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.server.stdin.flush()

    def send(self, method, **params):
        self.last += 1
        answer = self.waiting[self.last] = Future()
        self.write(id=self.last, method=method, params=params)
        return self.last, answer

    def call(self, method, **params):
        answer = self.send(method, **params)[1].result()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]


clearing = Clearing(sys.argv[1])
print("tier", clearing.call("initialize", client={"name": "client.py"})["tier"])
session = clearing.call("session/create", workspace=sys.argv[2])["session"]
start = lambda script: dict(session=session, argv=["sh", "-c", script])
run = lambda script: clearing.call("exec/start", **start(script))["exitCode"]
print("exit", run("echo one; echo kept > kept"))
clearing.call("snapshot/create", session=session, label="good")
print("exit", run("rm kept; echo bad > bad; exit 3"))
request, answer = clearing.send("exec/start", **start("sleep 600"))
clearing.write(method="$/cancelRequest", params={"id": request})
print("cancelled", answer.result()["error"]["data"]["code"])
clearing.call("snapshot/rollback", session=session, snapshot="good")
changes = clearing.call("changes/diff", session=session)["changes"]
print("changes", *[change["status"] + " " + change["path"] for change in changes])
clearing.call("changes/commit", session=session)
clearing.call("session/destroy", session=session)
clearing.server.stdin.close()
print("server", clearing.server.wait())
