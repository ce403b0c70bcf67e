# One worker, the app.mjs beside this file; the address is given by --socket-addr.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
    services = [
        (name = "main", worker = .main),
        (name = "internet", network = (allow = ["public", "private"])),
    ],
    sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
    modules = [(name = "app.mjs", esModule = embed "app.mjs")],
    compatibilityDate = "2026-01-01",
);
