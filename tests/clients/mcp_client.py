#!/usr/bin/env python3
"""Works on a project through `clearing mcp` by the MCP SDK: mcp_client.py CLEARING PROJECT PROFILE BEGIN SECONDS"""
import os
import sys

import anyio
from mcp import ClientSession, StdioServerParameters, stdio_client

TOOLS = "run exec_start exec_poll exec_input read_file write_file diff patch snapshot rollback commit why"
PATCH = "--- a/note.txt\n+++ b/note.txt\n@@ -1 +1 @@\n-of the project\n+patched\n"


def data(result):
    assert not result.is_error, result
    return result.structured_content


async def work(session):
    listed = await session.list_tools()
    assert [tool.name for tool in listed.tools] == TOOLS.split(), listed
    run = lambda line: session.call_tool("run", {"shell": line})

    async def is_running(name):
        told = await session.call_tool("exec_poll", {"exec": name, "waitMs": 0})
        return (told.structured_content or {}).get("state") == "running"

    ran = data(await run("echo one; exit 3"))
    print("run", ran["exitCode"], repr(ran["stdout"]))
    begun = anyio.Event()

    async def hear(progress, total, message):
        if message == "begun":
            begun.set()

    async def slow():
        waits = {"shell": "echo begun; until rm go; do sleep 0.1; done 2>/dev/null"}
        data(await session.call_tool("run", waits, progress_callback=hear))

    # It ends when its beginning was heard of, and not before.
    async with anyio.create_task_group() as group:
        group.start_soon(slow)
        await begun.wait()
        data(await run(": > go"))
    print("progress begun")
    async with anyio.create_task_group() as group:
        last = data(await run("true"))["exec"]
        group.start_soon(run, "exec sleep 4321")
        sleeping = f"e{int(last[1:]) + 1}"
        while not await is_running(sleeping):
            pass
        group.cancel_scope.cancel()
    while await is_running(sleeping):
        pass
    print("cancelled")
    data(await session.call_tool("snapshot", {"label": "good"}))
    print("patch", data(await session.call_tool("patch", {"text": PATCH}))["applied"])
    await run("echo bad > bad")
    data(await session.call_tool("rollback", {"snapshot": "good"}))
    await run("echo kept > kept")
    changes = data(await session.call_tool("diff", {}))["changes"]
    print("changes", *[change["status"] + " " + change["path"] for change in changes])
    refused = await run("touch x")
    print("refused", refused.is_error, refused.structured_content["denials"][0]["code"])
    why = await session.call_tool("why", {})
    print("why", data(why)["denials"][0]["reason"], "made by hand" in why.content[0].text)
    print("commit", data(await session.call_tool("commit", {}))["landed"])


async def main(program, project, profile, begin, patience):
    arguments = ["mcp", "-w", project, "-p", profile, "--commit", "allow", "--discard"]
    server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        with anyio.fail_after(float(patience)):
            await getattr(session, begin)()
            print("server", session.server_info.name)
            await work(session)


anyio.run(main, *sys.argv[1:])
