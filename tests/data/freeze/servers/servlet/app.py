import socket
import threading
import time

import httpx
import uvicorn


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config("servlet.web:app", log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    print("served", httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}/").text)
    server.should_exit = True
    thread.join()
