"""A tiny application under test: `server.py WORD=VALUE ...`, standard library only, starts fast."""
# ruff: noqa: PTH123, SIM105, S606  pathlib and contextlib would double its start

import os
import socket
import sys
import time

WORDS = dict(word.partition("=")[::2] for word in sys.argv[1:])
PORT = int(WORDS.get("port") or os.environ.get("PORT") or 0)
HOST = WORDS.get("host", "127.0.0.1")


def remember(pid):
    if "pids" in WORDS:
        with open(WORDS["pids"], "a") as stream:
            stream.write(f"{pid}\n")


def sleeper(*, away, env):
    """Start a process that only sleeps; `away` makes it a daemon nobody is the parent of."""
    if os.fork():
        if away:
            os.wait()
        return
    if away:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        for number in range(3, 64):
            try:
                os.close(number)
            except OSError:
                pass
    code = f"import os, sys, time; open({WORDS['pids']!r}, 'a').write(f'{{os.getpid()}}\\n'); "
    if "stubborn" in WORDS:
        code += "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code + "time.sleep(600)"], env)


def answer(path):
    if path == "/_token" and "token" in WORDS:
        return 200, WORDS["token"] or os.environ["SLIPWAY_TOKEN"]
    if path == "/end":
        os._exit(7)
    if path == "/env":
        return 200, os.environ.get(WORDS.get("show", "PORT"), "")
    if path == "/read":
        with open(WORDS["file"], "rb") as stream:
            return 200, stream.read().decode()
    if path.startswith("/say/"):
        print(path[5:], flush=True)
    if path == "/_token":
        return 404, "no such page"
    return int(WORDS.get("status", 200)), WORDS.get("body", f"mine {os.getpid()}")


def serve():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "reuseport" in WORDS:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((HOST, PORT))
    listener.listen(50)
    while True:
        asked, _ = listener.accept()
        with asked:
            head = asked.recv(65536).decode("latin-1").split(" ")
            if "dumb" in WORDS:
                time.sleep(600)
            if "garbage" in WORDS:
                asked.sendall(b"\0\1\2 this is no HTTP\r\n\r\n")
                continue
            status, body = answer(head[1]) if len(head) > 1 else (400, "")
            data = body.encode()
            asked.sendall(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n"
                f"Connection: close\r\n\r\n".encode()
                + data
            )


def main():
    remember(os.getpid())
    if "say" in WORDS:
        print(WORDS["say"], flush=True)
    if "stubborn" in WORDS:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(int(WORDS.get("fork", 0))):
        sleeper(away=False, env=os.environ)
    if "daemon" in WORDS:
        sleeper(away=True, env=os.environ)
    if "bare" in WORDS:
        sleeper(away=True, env={})
    if "background" in WORDS and os.fork():
        os._exit(0)
    time.sleep(float(WORDS.get("wait", 0)))
    if "exit" in WORDS:
        sys.exit(int(WORDS["exit"]))
    if "idle" in WORDS:
        time.sleep(600)
    serve()


main()
