"""Print what some services would get of a long text: run by itself, as Apprise's process is."""

import json
import sys

from slipway.notifiers.apprise.child import _Speaker

WORD = "0123456789" * 4
URLS = [
    f"discord://123456789012345678/{WORD}{WORD[:28]}",
    "tgram://123456789:abcdefg_hijklmnop/12315544",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
    f"mmosts://localhost/{WORD[:32]}",
    f"pover://{WORD[:30]}@{WORD[:30]}",
    f"twilio://AC{WORD[:32]}:{WORD[:32]}@15551230000/15551230001",
    "matrixs://ann:word@localhost/#room",
    f"mastodons://{WORD}@localhost",
    "rockets://ann:word@localhost/#room",
    "ircs://localhost/#room",
    f"wxteams://{WORD}{WORD}",
]


def main(order):
    speaker = _Speaker()
    for url in URLS:
        server = speaker._apprise.Apprise.instantiate(url, asset=speaker._asset)
        got = []
        server.send = lambda got=got, **keys: got.append(keys) or True
        speaker._send(server, order)
        found = {"service": server.service_name, "most": server.body_maxlen, "parts": len(got)}
        print(json.dumps(found | {"body": got[0]["body"], "title": got[0]["title"]}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
