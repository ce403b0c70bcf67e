# The worker that loads others, for cold starts; needs --experimental.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
    services = [(name = "main", worker = .main)],
    sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
    modules = [(name = "workerd_loader.mjs", esModule = embed "workerd_loader.mjs")],
    bindings = [(name = "LOADER", workerLoader = ())],
    compatibilityDate = "2026-01-01",
    compatibilityFlags = ["experimental"],
);
