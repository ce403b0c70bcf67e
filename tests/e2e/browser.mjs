// A real browser without a window, spoken to over the DevTools protocol: Debian's headless Chromium.
// It reaches this machine only, whatever a page asks for.
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import WebSocket from "ws";
import { afterwards, until } from "./atoll.mjs";

const NAMES = ["chromium-headless-shell", "chromium", "google-chrome"];
const START_MS = 30_000;

function findProgram() {
  for (const directory of process.env.PATH.split(delimiter)) {
    for (const name of NAMES) {
      const path = join(directory, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {} // the next one
    }
  }
  throw new Error(`none of ${NAMES.join(", ")} is installed: scripts/deps does that`);
}

function start(profile, hosts) {
  const flags = [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"],
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=${[...hosts, "MAP localhost 127.0.0.1", "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"].join(", ")}`,
  ];
  const env = { ...process.env, HOME: profile, DBUS_SESSION_BUS_ADDRESS: "disabled:" };
  return spawn(findProgram(), [...flags, "about:blank"], { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
}

/** Where it listens; rejects when it ends before it does. */
function address(child) {
  return new Promise((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new Error(`the browser does not listen:\n${text}`)), START_MS);
    child.stderr.setEncoding("utf8").on("data", (piece) => {
      text += piece;
      const [, url] = text.match(/DevTools listening on (\S+)/) ?? [];
      if (url) resolve((clearTimeout(late), url));
    });
    child.on("close", () => reject(new Error(`the browser ended:\n${text}`)));
    child.on("error", reject);
  });
}

/** The protocol: call(method, params, session), and on(method, listener(params, session)). */
async function connect(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const waiting = new Map(), listeners = [];
  let last = 0;
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  socket.on("message", (data) => {
    const { id, result, error, method, params, sessionId } = JSON.parse(data);
    if (method) return listeners.filter((l) => l.method === method).forEach((l) => l.listener(params, sessionId));
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    return error ? reject(new Error(error.message)) : resolve(result);
  });
  return {
    call: (method, params = {}, sessionId = undefined) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        socket.send(JSON.stringify({ id: last, method, params, sessionId }));
      }),
    on: (method, listener) => listeners.push({ method, listener }),
    close: () => socket.terminate(),
  };
}

/** A tab: what somebody in front of it can do and see. */
async function openPage(protocol) {
  const { targetId } = await protocol.call("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await protocol.call("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => protocol.call(method, params, sessionId);
  const page = { call, complaints: [] };

  protocol.on("Log.entryAdded", ({ entry }, session) => session === sessionId && page.complaints.push(entry.text));
  for (const domain of ["Page", "Log", "Runtime", "Network"]) await call(`${domain}.enable`);
  await call("Emulation.setFocusEmulationEnabled", { enabled: true });

  /** The value of an expression in the page; undefined while the page changes. */
  page.value = async (expression) => {
    const { result } = await call("Runtime.evaluate", { expression, returnByValue: true }).catch(() => ({ result: {} }));
    return result.value;
  };
  page.shows = (text) =>
    until(async () => (await page.value("document.body?.innerText"))?.includes(text), `"${text}" in the page`);
  page.holds = (expression) => until(async () => (await page.value(expression)) === true, expression);
  page.open = (url) => call("Page.navigate", { url });

  /** A click of the mouse into the middle of an element that is in sight: one that was drawn, a click before hits nothing. */
  page.click = async (selector) => {
    await page.holds(`document.readyState === "complete" && !!document.querySelector(${JSON.stringify(selector)})`);
    const expression = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))";
    await call("Runtime.evaluate", { expression, awaitPromise: true, timeout: 1000 });
    const place = await page.value(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`);
    for (const type of ["mousePressed", "mouseReleased"])
      await call("Input.dispatchMouseEvent", { type, ...place, button: "left", clickCount: 1 });
  };
  page.type = (text) => call("Input.insertText", { text });
  page.press = async (key, code, text) => {
    const event = { key, windowsVirtualKeyCode: code, text };
    for (const type of ["keyDown", "keyUp"]) await call("Input.dispatchKeyEvent", { type, ...event });
  };
  page.look = async ({ width = 1280, height = 800, scheme = "light" } = {}) => {
    await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  };
  page.screenshot = async () => Buffer.from((await call("Page.captureScreenshot", { format: "png" })).data, "base64");
  return page;
}

/** Starts a browser that ends after the test. `hosts`: rules like "MAP shop.test 127.0.0.1:80". */
export async function browser(t, { hosts = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "atoll-browser-"));
  const child = start(profile, hosts);
  const closed = new Promise((resolve) => child.on("close", resolve));
  let protocol;
  afterwards(t, async () => {
    protocol?.close();
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
    await closed;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  protocol = await connect(await address(child));
  return { page: () => openPage(protocol) };
}
