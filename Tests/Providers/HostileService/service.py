"""A Secret Service that is honest unless it is told otherwise.

It keeps one collection, in memory, on the bus of DBUS_SESSION_BUS_ADDRESS. A test begins by
calling `org.keyfob.HostileService.Begin` with the path of a plan, a JSON object:

    items   what it holds: [{"attributes", "label", "secret" (base64), "modified"}]; an item with
            "sealed" shows those attributes until it was unlocked
    locked  whether the collection is
    faults  what it does wrong, a list of words (below)

After each change and each fault it writes one line, {"items", "met"}: what it holds, and whether
a fault of the first kind was met. It does so before it answers, so that the line also tells what
a service held that has gone.

Faults at a call, which is named by its method or by its number (the first call of a plan is 1):

    silent CALL            never answers
    exit CALL              leaves the bus instead
    exit-after CALL        does it, and leaves the bus instead of answering
    kill-bus CALL          kills the bus instead
    kill-bus-after CALL    does it, and kills the bus instead of answering
    error NAME CALL        answers with that error
    error-after NAME CALL  does it, and answers with that error
    wrong-type CALL        answers with something of a type that no method answers with
    wrong-type-after CALL  does it, and answers like that
    pretend CALL           says that it is done and does nothing (CreateItem, SetSecret, Delete,
                           Set, Unlock)
    mislead CALL           says that the first item is what it created (CreateItem)
    forget CALL            creates an item without its attributes (CreateItem)
    ask CALL               does it after a prompt (CreateItem, Delete)
    replace CALL           first replaces each item by one at another path, with another secret

Faults of all calls of a kind:

    prompt vanish          leaves the bus when a prompt is shown
    prompt never           a shown prompt ends when it is dismissed, and not before
    prompt deaf            a shown prompt never ends
    prompt refuse-string   is refused, with a string as its result
    prompt refuse-list     is refused, with an empty list as its result
    prompt refuse-after    is refused, and does it
    prompt idle            says that it is done and does nothing
    prompt wrong-signal    completes with something of the wrong type
    search twice           finds each item twice
    search both            finds each item unlocked and locked
    search all             finds every item, whatever it is asked
    search no-locked       finds no locked item, and shows none
    secrets omit           gives no secret
    secrets other-session  says that a secret belongs to another session
    secrets other-key      encrypts a secret with another key
    secrets lucky          what the client's other key makes of a secret looks padded, by chance
    secrets bad-padding    encrypts a secret that is not padded
    secrets bad-vector     gives parameters of the wrong length
    session plain          knows no encrypted session
    session bad-key        gives a public key of no use
    session refuse-first   refuses the first encrypted session
    session strange-first  agrees on no key in its first session, and creates an item before it
                           finds that it cannot decrypt the secret
    gnome                  owns the name org.gnome.keyring too
    strict                 leaves the bus if a client's first call is no search
    late                   makes a note of a client only after what that says in its first 100 ms:
                           it refuses a search, has no default collection, and leaves the bus
                           over OpenSession (gnome-keyring 42 to 50, when it is busy)
"""

import base64
import json
import os
import signal

import dbus
import dbus.bus
from dbus.lowlevel import (
    HANDLER_RESULT_HANDLED,
    HANDLER_RESULT_NOT_YET_HANDLED,
    MESSAGE_TYPE_METHOD_CALL,
    ErrorMessage,
    MethodReturnMessage,
    SignalMessage,
)
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

from session import ENCRYPTED, PLAIN, Session, no_key

BUS = "org.freedesktop.DBus"
CONTROL = "org.keyfob.HostileService"
NAME = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
COLLECTION = ROOT + "/collection/login"
DEFAULT = ROOT + "/aliases/default"
ALIASES = {"default": COLLECTION, "login": COLLECTION}
INTERFACE = "org.freedesktop.Secret."
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
NOT_SUPPORTED = "org.freedesktop.DBus.Error.NotSupported"


class Failure(Exception):
    """An answer that is an error."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Item:
    """A secret and what is said about it."""

    def __init__(self, held):
        self.attributes = held["attributes"]
        self.sealed = held.get("sealed")
        self.label = held["label"]
        self.secret = base64.b64decode(held["secret"])
        self.modified = held["modified"]

    def held(self):
        return {
            "attributes": self.attributes,
            "label": self.label,
            "secret": base64.b64encode(self.secret).decode(),
            "modified": self.modified,
        }


class Service:
    """The service of one plan."""

    def __init__(self, plan, bus_process):
        self.bus_process = bus_process
        self.faults = [fault.split() for fault in plan["faults"]]
        self.locked = plan["locked"]
        self.items = {}
        self.made = 0
        self.calls = 0
        self.met = False
        self.sessions = {}
        self.sessions_asked = 0
        self.prompts = {}
        self.heard = set()
        self.known = set()
        self.strangers = {}
        for held in plan["items"]:
            self.add(Item(held))
        self.connection = dbus.bus.BusConnection(dbus.bus.BUS_SESSION)
        self.connection.add_message_filter(self.receive)
        self.connection.request_name(NAME)
        if self.does("gnome"):
            self.connection.request_name("org.gnome.keyring")
        self.tell()

    def leave(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def send(self, message):
        if self.connection is not None:
            self.connection.send_message(message)

    def does(self, *words):
        return list(words) in self.faults

    def tell(self):
        items = [item.held() for item in self.items.values()]
        print(json.dumps({"items": items, "met": self.met}), flush=True)

    # What comes in, and what is done wrong about it.

    def receive(self, connection, call):
        if call.get_type() != MESSAGE_TYPE_METHOD_CALL:
            return HANDLER_RESULT_NOT_YET_HANDLED
        if self.does("strict") and call.get_sender() not in self.heard:
            self.heard.add(call.get_sender())
            if call.get_member() != "SearchItems":
                self.leave()
                return HANDLER_RESULT_HANDLED
        if self.does("late") and call.get_sender() not in self.known:
            self.hear_stranger(call)
            return HANDLER_RESULT_HANDLED
        self.calls += 1
        names = [call.get_member(), str(self.calls)]
        if call.get_member() in ("Get", "GetAll") and call.get_path() in self.items:
            names.append("Read")
        faults = [fault[:-1] for fault in self.faults if fault[-1] in names]
        if faults:
            self.met = True
            self.tell()
        for fault in faults:
            if self.misbehave(fault, call):
                return HANDLER_RESULT_HANDLED
        self.answer(call, *self.perform(call))
        return HANDLER_RESULT_HANDLED

    def hear_stranger(self, call):
        calls = self.strangers.setdefault(call.get_sender(), [])
        if not calls:
            GLib.timeout_add(100, self.answer_stranger, call.get_sender())
        calls.append(call)

    def answer_stranger(self, sender):
        self.known.add(sender)
        for call in self.strangers[sender]:
            if call.get_member() == "OpenSession":
                self.leave()
            elif call.get_member() == "SearchItems":
                self.answer(call, UNKNOWN_METHOD)
            elif call.get_member() == "ReadAlias":
                self.answer(call, None, "o", "/")
            else:
                self.answer(call, *self.perform(call))
        return GLib.SOURCE_REMOVE

    def misbehave(self, fault, call):
        """Whether that is all that becomes of the call."""
        if fault[0].endswith("-after"):
            self.perform(call)
        if fault[0].startswith("exit"):
            self.leave()
        elif fault[0].startswith("kill-bus"):
            os.kill(self.bus_process, signal.SIGKILL)
        elif fault[0].startswith("error"):
            self.answer(call, fault[1])
        elif fault[0].startswith("wrong-type"):
            self.answer(call, None, "d", 0.5)
        elif fault[0] == "pretend" and call.get_member() in self.pretended:
            self.answer(call, None, *self.pretended[call.get_member()](self, call))
        elif fault[0] == "mislead":
            self.answer(call, None, "oo", next(iter(self.items)), "/")
        elif fault[0] == "ask" and call.get_member() in self.asked:
            self.answer(call, None, *self.asked[call.get_member()](self, call))
        elif fault[0] == "replace":
            self.replace_items()
            return False
        else:
            return fault[0] == "silent"
        return True

    def perform(self, call):
        """An error or None, and the signature and the values of the answer."""
        method = self.methods.get(call.get_member())
        if method is None:
            return (UNKNOWN_METHOD,)
        try:
            return (None,) + method(self, call)
        except Failure as failure:
            return (failure.name,)

    def answer(self, call, error, signature="", *values):
        if error is not None:
            reply = ErrorMessage(call, error, "this text may quote a secret")
        else:
            reply = MethodReturnMessage(call)
            reply.append(*values, signature=signature)
        self.send(reply)

    # Items.

    def add(self, item):
        self.made += 1
        path = f"{COLLECTION}/{self.made}"
        self.items[path] = item
        return path

    def item(self, path):
        if path not in self.items:
            raise Failure(INTERFACE + "Error.NoSuchObject")
        return self.items[path]

    def unlocked_item(self, path):
        item = self.item(path)
        if self.locked:
            raise Failure(INTERFACE + "Error.IsLocked")
        return item

    def replace_items(self):
        before = list(self.items.values())
        self.items = {}
        for item in before:
            item.secret = b"replaced"
            self.add(item)
        self.tell()

    def shown_attributes(self, item):
        sealed = self.locked and item.sealed is not None
        return item.sealed if sealed else item.attributes

    def finds(self, item, wanted):
        # A sealed item is found by what it has in truth, as gnome-keyring finds a hash.
        return self.does("search", "all") or all(
            item.attributes.get(name) == value for name, value in wanted.items()
        )

    # Methods of the service.

    def open_session(self, call):
        algorithm, peer = call.get_args_list(byte_arrays=True)
        path = f"{ROOT}/session/{len(self.sessions) + 1}"
        self.sessions_asked += 1
        is_first = self.sessions_asked == 1
        if is_first and self.does("session", "refuse-first"):
            raise Failure("org.freedesktop.DBus.Error.InvalidArgs")
        if algorithm == PLAIN:
            session = Session(path)
            output = dbus.String("", variant_level=1)
        elif algorithm == ENCRYPTED and not self.does("session", "plain"):
            session = Session(path, bytes(peer))
            session.agrees = not (is_first and self.does("session", "strange-first"))
            key = session.output
            if self.does("session", "bad-key"):
                key, session.reader = b"", no_key()
            output = dbus.ByteArray(key, variant_level=1)
        else:
            raise Failure(NOT_SUPPORTED)
        self.sessions[path] = session
        return "vo", output, path

    def search_items(self, call):
        (wanted,) = call.get_args_list()
        paths = [path for path, item in self.items.items() if self.finds(item, wanted)]
        if self.locked and self.does("search", "no-locked"):
            paths = []
        if self.does("search", "twice"):
            paths += paths
        if self.does("search", "both"):
            return "aoao", paths, paths
        return "aoao", [] if self.locked else paths, paths if self.locked else []

    def unlock(self, call):
        (paths,) = call.get_args_list()
        if not self.locked:
            return "aoo", paths, "/"
        return "aoo", [], self.prompt(lambda: self.do_unlock(paths))

    def do_unlock(self, paths):
        self.locked = False
        return dbus.Array(paths, signature="o", variant_level=1)

    def lock(self, call):
        (paths,) = call.get_args_list()
        self.locked = True
        return "aoo", paths, "/"

    def get_secrets(self, call):
        paths, session = call.get_args_list()
        found = {}
        for path in paths:
            if path in self.items and not self.locked and not self.does("secrets", "omit"):
                found[path] = self.encode(session, self.items[path].secret)
        return "a{o(oayays)}", found

    def encode(self, path, secret):
        session = self.sessions[path]
        if self.does("secrets", "other-key") or not session.agrees:
            reader = session.key
            session = Session(path, (2).to_bytes(1, "big"))
            session.reader = reader
        if self.does("secrets", "other-session"):
            path = ROOT + "/session/other"
        lucky = self.does("secrets", "lucky")
        vector, value = session.encode(secret, session.reader, lucky)
        if self.does("secrets", "bad-padding"):
            vector, value = session.encode(b"\x63" * 16)
            value = value[:16]
        if self.does("secrets", "bad-vector"):
            vector = vector[:3] or b"\x00\x00\x00"
        return path, dbus.ByteArray(vector), dbus.ByteArray(value), "text/plain"

    def read_alias(self, call):
        (name,) = call.get_args_list()
        return "o", ALIASES.get(name, "/")

    # Methods of the collection and of items.

    def create_item(self, call):
        if call.get_path() not in (COLLECTION, DEFAULT):
            raise Failure(INTERFACE + "Error.NoSuchObject")
        if self.locked:
            raise Failure(INTERFACE + "Error.IsLocked")
        return "oo", self.do_create(call), "/"

    def do_create(self, call):
        properties, secret, replace = call.get_args_list(byte_arrays=True)
        attributes = {
            str(name): str(value)
            for name, value in properties[INTERFACE + "Item.Attributes"].items()
        }
        if ["forget", "CreateItem"] in self.faults:
            attributes = {}
        if replace:
            for path in [p for p, item in self.items.items() if self.finds(item, attributes)]:
                del self.items[path]
        item = Item(
            {
                "attributes": attributes,
                "label": str(properties[INTERFACE + "Item.Label"]),
                "secret": "",
                "modified": 2_000_000_000,
            }
        )
        path = self.add(item)
        try:
            item.secret = self.decode(secret)
        finally:
            self.tell()
        return dbus.ObjectPath(path, variant_level=1)

    def decode(self, secret):
        path, parameters, value, _ = secret
        session = self.sessions[path]
        if not session.agrees:
            raise Failure("org.example.Undecipherable")
        return session.decode(bytes(parameters), bytes(value))

    def set_secret(self, call):
        (secret,) = call.get_args_list(byte_arrays=True)
        self.unlocked_item(call.get_path()).secret = self.decode(secret)
        self.tell()
        return ("",)

    def delete(self, call):
        self.unlocked_item(call.get_path())
        self.do_delete(call)
        return "o", "/"

    def do_delete(self, call):
        del self.items[call.get_path()]
        self.tell()
        return dbus.String("", variant_level=1)

    # Properties.

    def get(self, call):
        interface, name = call.get_args_list()
        return "v", self.properties(call.get_path(), interface)[name]

    def get_all(self, call):
        (interface,) = call.get_args_list()
        return "a{sv}", self.properties(call.get_path(), interface)

    def set(self, call):
        _, name, value = call.get_args_list()
        item = self.unlocked_item(call.get_path())
        if name == "Label":
            item.label = str(value)
        elif name == "Attributes":
            item.attributes = {str(key): str(value) for key, value in value.items()}
        self.tell()
        return ("",)

    def properties(self, path, interface):
        hides = self.locked and self.does("search", "no-locked")
        if path == ROOT:
            return {"Collections": dbus.Array([COLLECTION], "o", variant_level=1)}
        if path in (COLLECTION, DEFAULT):
            return {
                "Items": dbus.Array([] if hides else list(self.items), "o", variant_level=1),
                "Label": dbus.String("Login", variant_level=1),
                "Locked": dbus.Boolean(self.locked, variant_level=1),
                "Created": dbus.UInt64(0, variant_level=1),
                "Modified": dbus.UInt64(0, variant_level=1),
            }
        item = self.item(path)
        seals = self.locked and item.sealed is not None
        return {
            "Attributes": dbus.Dictionary(self.shown_attributes(item), "ss", variant_level=1),
            "Label": dbus.String(item.label, variant_level=1),
            "Locked": dbus.Boolean(self.locked, variant_level=1),
            "Created": dbus.UInt64(0 if seals else item.modified, variant_level=1),
            "Modified": dbus.UInt64(0 if seals else item.modified, variant_level=1),
        }

    # Prompts.

    def prompt(self, action):
        path = f"{ROOT}/prompt/p{len(self.prompts) + 1}"
        self.prompts[path] = action
        return path

    def show_prompt(self, call):
        path = call.get_path()
        if path not in self.prompts:
            raise Failure(INTERFACE + "Error.NoSuchObject")
        if self.does("prompt", "vanish"):
            self.leave()
        elif self.does("prompt", "refuse-string"):
            self.complete(path, True, dbus.String("", variant_level=1))
        elif self.does("prompt", "refuse-list"):
            self.complete(path, True, dbus.Array([], "o", variant_level=1))
        elif self.does("prompt", "refuse-after"):
            self.complete(path, True, self.prompts[path]())
        elif self.does("prompt", "wrong-signal"):
            self.emit(path, "s", "done")
        elif self.does("prompt", "idle"):
            self.complete(path, False, dbus.Array([], "o", variant_level=1))
        elif not self.does("prompt", "never") and not self.does("prompt", "deaf"):
            self.complete(path, False, self.prompts[path]())
        return ("",)

    def dismiss(self, call):
        if not self.does("prompt", "deaf"):
            self.complete(call.get_path(), True, dbus.String("", variant_level=1))
        return ("",)

    def complete(self, path, dismissed, result):
        self.emit(path, "bv", dismissed, result)

    def emit(self, path, signature, *values):
        completed = SignalMessage(path, INTERFACE + "Prompt", "Completed")
        completed.append(*values, signature=signature)
        self.send(completed)

    methods = {
        "OpenSession": open_session,
        "SearchItems": search_items,
        "Unlock": unlock,
        "Lock": lock,
        "GetSecrets": get_secrets,
        "ReadAlias": read_alias,
        "CreateItem": create_item,
        "SetSecret": set_secret,
        "Delete": delete,
        "Get": get,
        "GetAll": get_all,
        "Set": set,
        "Prompt": show_prompt,
        "Dismiss": dismiss,
    }

    pretended = {
        "CreateItem": lambda self, call: ("oo", COLLECTION + "/none", "/"),
        "SetSecret": lambda self, call: ("",),
        "Delete": lambda self, call: ("o", "/"),
        "Set": lambda self, call: ("",),
        "Unlock": lambda self, call: ("aoo", call.get_args_list()[0], "/"),
    }

    asked = {
        "CreateItem": lambda self, call: ("oo", "/", self.prompt(lambda: self.do_create(call))),
        "Delete": lambda self, call: ("o", self.prompt(lambda: self.do_delete(call))),
    }


class Control:
    """Takes the plans, and has one service at a time."""

    def __init__(self):
        self.connection = dbus.bus.BusConnection(dbus.bus.BUS_SESSION)
        self.bus_process = self.connection.call_blocking(
            BUS, "/", BUS, "GetConnectionUnixProcessID", "s", (BUS,)
        )
        self.connection.add_message_filter(self.receive)
        self.connection.request_name(CONTROL)
        self.service = None

    def receive(self, connection, call):
        if call.get_type() != MESSAGE_TYPE_METHOD_CALL or call.get_member() != "Begin":
            return HANDLER_RESULT_NOT_YET_HANDLED
        (path,) = call.get_args_list()
        if self.service is not None:
            self.service.leave()
        with open(path, encoding="utf-8") as plan:
            self.service = Service(json.load(plan), self.bus_process)
        connection.send_message(MethodReturnMessage(call))
        return HANDLER_RESULT_HANDLED


if __name__ == "__main__":
    DBusGMainLoop(set_as_default=True)
    control = Control()
    GLib.MainLoop().run()
