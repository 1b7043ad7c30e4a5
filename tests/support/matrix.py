"""A stand-in for a Matrix homeserver: signing in, joining a room, and sending to it.

Written from the Matrix client-server API, version 1.11
(https://spec.matrix.org/v1.11/client-server-api/): POST /login, /register, /createRoom,
/join/{roomIdOrAlias} and /logout, PUT /rooms/{roomId}/send/{eventType}/{txnId}, with their bodies
and standard errors.
"""

from tests.support.forges.server import Answer, StandIn

_STRING = {"type": "string"}
_LOGIN = {
    "type": "object",
    "required": ["type", "identifier", "password"],
    "properties": {
        "type": {"const": "m.login.password"},
        "identifier": {
            "type": "object",
            "required": ["type", "user"],
            "properties": {"type": {"const": "m.id.user"}, "user": _STRING},
        },
        "password": _STRING,
        "initial_device_display_name": _STRING,
        "device_id": _STRING,
        "refresh_token": {"type": "boolean"},
    },
    "additionalProperties": False,
}
_MESSAGE = {
    "type": "object",
    "required": ["msgtype", "body"],
    "properties": {"msgtype": {"enum": ["m.text", "m.notice"]}, "body": _STRING},
}
_JOIN = {"type": "object", "properties": {"reason": _STRING}, "additionalProperties": False}


def error(status, code, text, **more):
    return Answer(status, {"errcode": code, "error": text, **more})


class Matrix(StandIn):
    """One server with one room and one user."""

    _API = r"/_matrix/client/v3"
    routes = (
        ("POST", _API + r"/login", "login", _LOGIN),
        ("POST", _API + r"/logout", "logout", None),
        ("POST", _API + r"/register", "register", None),
        ("POST", _API + r"/createRoom", "create_room", None),
        ("POST", _API + r"/join/([^/]+)", "join", _JOIN),
        ("PUT", _API + r"/rooms/([^/]+)/send/([^/]+)/([^/]+)", "message", _MESSAGE),
    )

    def __init__(self, folder, *, user="ci", alias="#almanac:localhost", **how):
        super().__init__(folder, **how)
        self.user, self.password, self.alias = user, "word", alias
        self.room, self.said = "!abcdef:localhost", []
        self.tokens, self.joined, self.transactions = set(), False, set()

    def known(self, asked):
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            raise error(401, "M_MISSING_TOKEN", "Missing access token")
        if token not in self.tokens:
            raise error(401, "M_UNKNOWN_TOKEN", "Unrecognised access token", soft_logout=False)
        return token

    def login(self, asked):
        given = asked.data
        if (given["identifier"]["user"], given["password"]) != (self.user, self.password):
            raise error(403, "M_FORBIDDEN", "Invalid username or password")
        token = f"syt_{self.new_number()}"
        self.tokens.add(token)
        raise Answer(
            200,
            {"user_id": f"@{self.user}:localhost", "access_token": token, "device_id": "DEVICE"},
        )

    def logout(self, asked):
        self.tokens.remove(self.known(asked))
        raise Answer(200, {})

    def register(self, asked):
        raise error(403, "M_FORBIDDEN", "Registration has been disabled")

    def create_room(self, asked):
        self.known(asked)
        raise error(403, "M_FORBIDDEN", "You are not permitted to create rooms")

    def join(self, asked):
        self.known(asked)
        if asked.parts[0] not in {self.room, self.alias}:
            raise error(404, "M_NOT_FOUND", f"Room alias {asked.parts[0]} not found")
        self.joined = True
        raise Answer(200, {"room_id": self.room})

    def message(self, asked):
        token = self.known(asked)
        room, kind, transaction = asked.parts
        if room != self.room or not self.joined:
            raise error(403, "M_FORBIDDEN", "User not in room")
        if kind != "m.room.message":
            self.problems.append(f"an event of the type {kind}")
        # The same transaction of the same access token is the same event.
        if (token, transaction) not in self.transactions:
            self.transactions.add((token, transaction))
            self.said.append(asked.data)
        raise Answer(200, {"event_id": f"$event{len(self.said)}"})
