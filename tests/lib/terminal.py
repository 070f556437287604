#!/usr/bin/env python3
"""terminal.py TEXT COMMAND ANSWER PROGRAM ARG... - a person at a terminal who lets time pass before answering

Runs the program on a terminal of its own. When TEXT has appeared there, runs the shell command COMMAND to its end, then
types ANSWER; every later question (TEXT again) is answered with `no`. Prints what was on the terminal, exits with the
program's code (125: TEXT never came, 124: it did not end)."""
import os, pty, select, subprocess, sys, time

text, command, answer = (a.encode() for a in sys.argv[1:4])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[4], sys.argv[4:])
seen, asked, end = b"", 0, time.time() + 40


def leave(code):
    sys.stdout.buffer.write(seen.replace(b"\r", b""))
    sys.stdout.flush()
    os._exit(code)


while True:
    if time.time() > end:
        os.kill(pid, 9)
        leave(124 if asked else 125)
    if not select.select([fd], [], [], 0.1)[0]:
        continue
    try:
        more = os.read(fd, 65536)
    except OSError:
        more = b""
    if not more:
        break
    seen += more
    while seen.count(text) > asked:
        asked += 1
        if asked == 1:
            subprocess.run(command, shell=True, executable="/bin/bash", stdin=subprocess.DEVNULL)
        os.write(fd, (answer if asked == 1 else b"no") + b"\n")
status = os.waitpid(pid, 0)[1]
leave(os.waitstatus_to_exitcode(status) if asked else 125)
