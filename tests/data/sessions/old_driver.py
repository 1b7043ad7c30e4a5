"""A real HTTP server that answers as a driver of another version does."""

import http.server
import json


class Old(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = (
            "session not created: This version of ChromeDriver only supports Chrome version "
            "114\nCurrent browser version is 156.0.8078.79 with binary path /x/chrome"
        )
        value = {"error": "session not created", "message": message, "stacktrace": ""}
        body = json.dumps({"value": value}).encode()
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Old)
print(f"ChromeDriver was started successfully on port {server.server_port}.", flush=True)
server.serve_forever()
