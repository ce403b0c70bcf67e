// The types of what a worker finds in atoll. Names and shapes are those of @cloudflare/workers-types
// as far as the platform is the same, so that a worker compiles against either.
//
// To be used with "lib": ["esnext"] and without "dom" or "webworker", which declare other platforms.
// `atoll types` writes this file's contents, and an Env made of the configuration, into a project.
// tests/e2e/types.test.mjs compares it with what an isolate really has.

// ---- the worker ----

type MaybePromise<T> = T | Promise<T>;

declare namespace Cloudflare {
  /** What `atoll types` adds the configuration's variables to: the type of `env`. */
  interface Env {}
  /** The entrypoints of the worker itself: see `ctx.exports`. */
  interface Exports {
    [name: string]: any;
  }
}

interface ExecutionContext<Props = unknown> {
  /** Lets the promise be settled after the answer was sent. */
  waitUntil(promise: Promise<any>): void;
  /** Does nothing: there is no origin behind a worker. */
  passThroughOnException(): void;
  readonly props: Props;
  /** The worker's own exports as services: `ctx.exports.Named.method()`, `ctx.exports.Named({ props })`. */
  readonly exports: Cloudflare.Exports;
}

type ExportedHandlerFetchHandler<Env = unknown, CfHostMetadata = unknown, Props = unknown> = (
  request: Request<CfHostMetadata, IncomingRequestCfProperties<CfHostMetadata>>,
  env: Env,
  ctx: ExecutionContext<Props>,
) => MaybePromise<Response>;

type ExportedHandlerScheduledHandler<Env = unknown, Props = unknown> = (
  controller: ScheduledController,
  env: Env,
  ctx: ExecutionContext<Props>,
) => MaybePromise<void>;

/** What a worker's default export is. */
interface ExportedHandler<Env = unknown, QueueHandlerMessage = unknown, CfHostMetadata = unknown, Props = unknown> {
  fetch?: ExportedHandlerFetchHandler<Env, CfHostMetadata, Props>;
  scheduled?: ExportedHandlerScheduledHandler<Env, Props>;
}

interface ScheduledController {
  readonly scheduledTime: number;
  readonly cron: string;
  noRetry(): void;
}

/** Another worker, or something else with a fetch() of its own. */
type Fetcher<T extends Rpc.WorkerEntrypointBranded | undefined = undefined, Reserved extends string = never> = {
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
} & (T extends Rpc.WorkerEntrypointBranded ? Rpc.Provider<T, Reserved | "fetch" | "connect" | "scheduled"> : unknown);

/** A service binding: `Service<typeof OtherEntrypoint>` knows its methods. */
type Service<T = undefined> = T extends new (...args: any[]) => Rpc.WorkerEntrypointBranded
  ? Fetcher<InstanceType<T>>
  : T extends Rpc.WorkerEntrypointBranded
    ? Fetcher<T>
    : Fetcher;

/** What becomes of types on their way to another worker and back. */
declare namespace Rpc {
  const __RPC_STUB_BRAND: "__RPC_STUB_BRAND";
  const __RPC_TARGET_BRAND: "__RPC_TARGET_BRAND";
  const __WORKER_ENTRYPOINT_BRAND: "__WORKER_ENTRYPOINT_BRAND";
  interface RpcTargetBranded {
    [__RPC_TARGET_BRAND]: never;
  }
  interface WorkerEntrypointBranded {
    [__WORKER_ENTRYPOINT_BRAND]: never;
  }
  /** What stays where it is: the other side gets a stub. */
  type Stubable = RpcTargetBranded | ((...args: any[]) => any);
  interface StubBase<T extends Stubable> extends Disposable {
    [__RPC_STUB_BRAND]: T;
    dup(): this;
    onRpcBroken(callback: (error: any) => void): void;
  }
  type Stub<T extends Stubable> = Provider<T> & StubBase<T>;
  type Copied =
    | Date | Error | RegExp | ArrayBuffer | ArrayBufferView | Blob | ReadableStream | WritableStream | Request | Response | Headers;
  type Received<T> = T extends StubBase<any>
    ? T
    : T extends Stubable
      ? Stub<T>
      : T extends Copied
        ? T
        : T extends Map<infer K, infer V>
          ? Map<Received<K>, Received<V>>
          : T extends Set<infer V>
            ? Set<Received<V>>
            : T extends object
              ? { [K in keyof T]: Received<T[K]> }
              : T;
  type Disposing<T> = T extends object ? T & Disposable : T;
  type Result<T> = Promise<Disposing<Received<Awaited<T>>>> & Disposable & (Awaited<T> extends object ? Provider<Awaited<T>> : unknown);
  type Sent<Args extends any[]> = { [I in keyof Args]: Args[I] | (Args[I] extends Stubable ? Stub<Args[I]> : never) };
  type Called<T> = T extends (...args: infer Args) => infer Returned ? (...args: Sent<Args>) => Result<Returned> : unknown;
  type Member<T> = T extends (...args: any[]) => any ? Called<T> : Result<T>;
  type Provider<T, Reserved extends string = never> = Called<T> & {
    [K in Exclude<keyof T, Reserved | symbol | keyof StubBase<any>>]: Member<T[K]>;
  };
}

// ---- the global ----

interface WorkerGlobalScopeEventMap {
  fetch: FetchEvent;
  error: ErrorEvent;
  unhandledrejection: PromiseRejectionEvent;
  rejectionhandled: PromiseRejectionEvent;
}

interface ServiceWorkerGlobalScope {
  [name: string]: any;
}

declare var self: ServiceWorkerGlobalScope & typeof globalThis;

declare function addEventListener<Type extends keyof WorkerGlobalScopeEventMap>(
  type: Type,
  handler: EventListenerOrEventListenerObject<WorkerGlobalScopeEventMap[Type]>,
  options?: EventTargetAddEventListenerOptions | boolean,
): void;
declare function addEventListener(
  type: string,
  handler: EventListenerOrEventListenerObject,
  options?: EventTargetAddEventListenerOptions | boolean,
): void;
declare function removeEventListener<Type extends keyof WorkerGlobalScopeEventMap>(
  type: Type,
  handler: EventListenerOrEventListenerObject<WorkerGlobalScopeEventMap[Type]>,
  options?: EventTargetEventListenerOptions | boolean,
): void;
declare function removeEventListener(
  type: string,
  handler: EventListenerOrEventListenerObject,
  options?: EventTargetEventListenerOptions | boolean,
): void;
declare function dispatchEvent(event: Event): boolean;

declare var onerror:
  | ((event: Event | string, source?: string, lineno?: number, colno?: number, error?: unknown) => any)
  | null;
declare var onunhandledrejection: ((event: PromiseRejectionEvent) => any) | null;
declare var onrejectionhandled: ((event: PromiseRejectionEvent) => any) | null;

declare function atob(data: string): string;
declare function btoa(data: string): string;
declare function queueMicrotask(task: () => void): void;
declare function reportError(error: any): void;
declare function fetch(input: RequestInfo | URL, init?: RequestInit<RequestInitCfProperties>): Promise<Response>;

declare function setTimeout<Args extends any[]>(callback: (...args: Args) => void, msDelay?: number, ...args: Args): number;
declare function setInterval<Args extends any[]>(callback: (...args: Args) => void, msDelay?: number, ...args: Args): number;
declare function clearTimeout(timeoutId: number | null | undefined): void;
declare function clearInterval(timeoutId: number | null | undefined): void;

interface StructuredSerializeOptions {
  transfer?: any[];
}
declare function structuredClone<T>(value: T, options?: StructuredSerializeOptions): T;

interface SchedulerWaitOptions {
  signal?: AbortSignal;
}
interface Scheduler {
  wait(delay: number, options?: SchedulerWaitOptions): Promise<void>;
}
declare const scheduler: Scheduler;

interface Navigator {
  readonly userAgent: string;
  readonly hardwareConcurrency: number;
  readonly language: string;
  readonly languages: readonly string[];
}
declare const navigator: Navigator;

interface Console {
  assert(condition?: boolean, ...data: any[]): void;
  clear(): void;
  count(label?: string): void;
  countReset(label?: string): void;
  debug(...data: any[]): void;
  dir(item?: any, options?: any): void;
  dirxml(...data: any[]): void;
  error(...data: any[]): void;
  group(...data: any[]): void;
  groupCollapsed(...data: any[]): void;
  groupEnd(): void;
  info(...data: any[]): void;
  log(...data: any[]): void;
  table(data?: any, properties?: string[]): void;
  time(label?: string): void;
  timeEnd(label?: string): void;
  timeLog(label?: string, ...data: any[]): void;
  timeStamp(label?: string): void;
  trace(...data: any[]): void;
  warn(...data: any[]): void;
}
declare const console: Console;

// ---- events (DOM) ----

interface EventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}

declare class Event {
  constructor(type: string, init?: EventInit);
  readonly type: string;
  readonly target?: EventTarget;
  readonly srcElement?: EventTarget;
  readonly currentTarget?: EventTarget;
  readonly eventPhase: number;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly defaultPrevented: boolean;
  readonly composed: boolean;
  readonly isTrusted: boolean;
  readonly timeStamp: number;
  returnValue: boolean;
  cancelBubble: boolean;
  composedPath(): EventTarget[];
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
  initEvent(type: string, bubbles?: boolean, cancelable?: boolean): void;
  static readonly NONE: number;
  static readonly CAPTURING_PHASE: number;
  static readonly AT_TARGET: number;
  static readonly BUBBLING_PHASE: number;
  readonly NONE: number;
  readonly CAPTURING_PHASE: number;
  readonly AT_TARGET: number;
  readonly BUBBLING_PHASE: number;
}

type EventListener<EventType extends Event = Event> = (event: EventType) => void;
interface EventListenerObject<EventType extends Event = Event> {
  handleEvent(event: EventType): void;
}
type EventListenerOrEventListenerObject<EventType extends Event = Event> =
  | EventListener<EventType>
  | EventListenerObject<EventType>;

interface EventTargetEventListenerOptions {
  capture?: boolean;
}
interface EventTargetAddEventListenerOptions extends EventTargetEventListenerOptions {
  passive?: boolean;
  once?: boolean;
  signal?: AbortSignal;
}

declare class EventTarget<EventMap extends Record<string, Event> = Record<string, Event>> {
  constructor();
  addEventListener<Type extends keyof EventMap>(
    type: Type,
    handler: EventListenerOrEventListenerObject<EventMap[Type]> | null,
    options?: EventTargetAddEventListenerOptions | boolean,
  ): void;
  removeEventListener<Type extends keyof EventMap>(
    type: Type,
    handler: EventListenerOrEventListenerObject<EventMap[Type]> | null,
    options?: EventTargetEventListenerOptions | boolean,
  ): void;
  dispatchEvent(event: EventMap[keyof EventMap]): boolean;
}

interface CustomEventInit extends EventInit {
  detail?: any;
}
declare class CustomEvent<T = any> extends Event {
  constructor(type: string, init?: CustomEventInit);
  readonly detail: T;
  initCustomEvent(type: string, bubbles?: boolean, cancelable?: boolean, detail?: T): void;
}

interface ErrorEventInit extends EventInit {
  message?: string;
  filename?: string;
  lineno?: number;
  colno?: number;
  error?: any;
}
declare class ErrorEvent extends Event {
  constructor(type: string, init?: ErrorEventInit);
  readonly message: string;
  readonly filename: string;
  readonly lineno: number;
  readonly colno: number;
  readonly error: any;
}

interface MessageEventInit extends EventInit {
  data?: any;
  origin?: string;
  lastEventId?: string;
  source?: MessagePort | null;
  ports?: MessagePort[];
}
declare class MessageEvent extends Event {
  constructor(type: string, init?: MessageEventInit);
  readonly data: any;
  readonly origin: string | null;
  readonly lastEventId: string;
  readonly source: MessagePort | null;
  readonly ports: MessagePort[];
}

interface CloseEventInit extends EventInit {
  wasClean?: boolean;
  code?: number;
  reason?: string;
}
declare class CloseEvent extends Event {
  constructor(type: string, init?: CloseEventInit);
  readonly wasClean: boolean;
  readonly code: number;
  readonly reason: string;
}

interface PromiseRejectionEventInit extends EventInit {
  promise: Promise<any>;
  reason?: any;
}
declare class PromiseRejectionEvent extends Event {
  constructor(type: string, init: PromiseRejectionEventInit);
  readonly promise: Promise<any>;
  readonly reason: any;
}

declare abstract class ExtendableEvent extends Event {
  waitUntil(promise: Promise<any>): void;
}

declare abstract class FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(promise: MaybePromise<Response>): void;
  passThroughOnException(): void;
}

declare class AbortController {
  constructor();
  readonly signal: AbortSignal;
  abort(reason?: any): void;
}

declare abstract class AbortSignal extends EventTarget {
  static abort(reason?: any): AbortSignal;
  static timeout(delay: number): AbortSignal;
  static any(signals: AbortSignal[]): AbortSignal;
  readonly aborted: boolean;
  readonly reason: any;
  onabort: any | null;
  throwIfAborted(): void;
}

declare class DOMException extends Error {
  constructor(message?: string, optionsOrName?: string | { name?: string; cause?: unknown });
  readonly message: string;
  readonly name: string;
  readonly code: number;
  static readonly INDEX_SIZE_ERR: number;
  static readonly DOMSTRING_SIZE_ERR: number;
  static readonly HIERARCHY_REQUEST_ERR: number;
  static readonly WRONG_DOCUMENT_ERR: number;
  static readonly INVALID_CHARACTER_ERR: number;
  static readonly NO_DATA_ALLOWED_ERR: number;
  static readonly NO_MODIFICATION_ALLOWED_ERR: number;
  static readonly NOT_FOUND_ERR: number;
  static readonly NOT_SUPPORTED_ERR: number;
  static readonly INUSE_ATTRIBUTE_ERR: number;
  static readonly INVALID_STATE_ERR: number;
  static readonly SYNTAX_ERR: number;
  static readonly INVALID_MODIFICATION_ERR: number;
  static readonly NAMESPACE_ERR: number;
  static readonly INVALID_ACCESS_ERR: number;
  static readonly VALIDATION_ERR: number;
  static readonly TYPE_MISMATCH_ERR: number;
  static readonly SECURITY_ERR: number;
  static readonly NETWORK_ERR: number;
  static readonly ABORT_ERR: number;
  static readonly URL_MISMATCH_ERR: number;
  static readonly QUOTA_EXCEEDED_ERR: number;
  static readonly TIMEOUT_ERR: number;
  static readonly INVALID_NODE_TYPE_ERR: number;
  static readonly DATA_CLONE_ERR: number;
  readonly INDEX_SIZE_ERR: number;
  readonly DOMSTRING_SIZE_ERR: number;
  readonly HIERARCHY_REQUEST_ERR: number;
  readonly WRONG_DOCUMENT_ERR: number;
  readonly INVALID_CHARACTER_ERR: number;
  readonly NO_DATA_ALLOWED_ERR: number;
  readonly NO_MODIFICATION_ALLOWED_ERR: number;
  readonly NOT_FOUND_ERR: number;
  readonly NOT_SUPPORTED_ERR: number;
  readonly INUSE_ATTRIBUTE_ERR: number;
  readonly INVALID_STATE_ERR: number;
  readonly SYNTAX_ERR: number;
  readonly INVALID_MODIFICATION_ERR: number;
  readonly NAMESPACE_ERR: number;
  readonly INVALID_ACCESS_ERR: number;
  readonly VALIDATION_ERR: number;
  readonly TYPE_MISMATCH_ERR: number;
  readonly SECURITY_ERR: number;
  readonly NETWORK_ERR: number;
  readonly ABORT_ERR: number;
  readonly URL_MISMATCH_ERR: number;
  readonly QUOTA_EXCEEDED_ERR: number;
  readonly TIMEOUT_ERR: number;
  readonly INVALID_NODE_TYPE_ERR: number;
  readonly DATA_CLONE_ERR: number;
}

declare class QuotaExceededError extends DOMException {
  constructor(message?: string, options?: { quota?: number; requested?: number });
  readonly quota: number | null;
  readonly requested: number | null;
}

// ---- messages (HTML) ----

declare class MessageChannel {
  constructor();
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}

declare abstract class MessagePort extends EventTarget {
  postMessage(data?: any, options?: any[] | StructuredSerializeOptions): void;
  start(): void;
  close(): void;
  onmessage: any | null;
  onmessageerror: any | null;
  onclose: any | null;
}

// ---- bodies, requests, responses (Fetch, File API, XHR) ----

interface BlobOptions {
  type?: string;
  endings?: "transparent" | "native";
}
declare class Blob {
  constructor(bits?: (ArrayBuffer | ArrayBufferView | string | Blob)[], options?: BlobOptions);
  readonly size: number;
  readonly type: string;
  slice(start?: number, end?: number, type?: string): Blob;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  text(): Promise<string>;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

interface FileOptions extends BlobOptions {
  lastModified?: number;
}
declare class File extends Blob {
  constructor(bits: (ArrayBuffer | ArrayBufferView | string | Blob)[], name: string, options?: FileOptions);
  readonly name: string;
  readonly lastModified: number;
}

declare class FormData {
  constructor();
  append(name: string, value: string | Blob): void;
  append(name: string, value: Blob, filename?: string): void;
  delete(name: string): void;
  get(name: string): (File | string) | null;
  getAll(name: string): (File | string)[];
  has(name: string): boolean;
  set(name: string, value: string | Blob): void;
  set(name: string, value: Blob, filename?: string): void;
  entries(): IterableIterator<[key: string, value: File | string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<File | string>;
  forEach<This = unknown>(
    callback: (this: This, value: File | string, key: string, parent: FormData) => void,
    thisArg?: This,
  ): void;
  [Symbol.iterator](): IterableIterator<[key: string, value: File | string]>;
}

type HeadersInit = Headers | Iterable<Iterable<string>> | Record<string, string>;
declare class Headers {
  constructor(init?: HeadersInit);
  get(name: string): string | null;
  getAll(name: string): string[];
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
  forEach<This = unknown>(callback: (this: This, value: string, key: string, parent: Headers) => void, thisArg?: This): void;
  entries(): IterableIterator<[key: string, value: string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[key: string, value: string]>;
}

type BodyInit = ReadableStream<Uint8Array> | string | ArrayBuffer | ArrayBufferView | Blob | URLSearchParams | FormData;

interface Body {
  readonly body: ReadableStream<any> | null;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  text(): Promise<string>;
  json<T>(): Promise<T>;
  formData(): Promise<FormData>;
  blob(): Promise<Blob>;
}

type RequestInfo<CfHostMetadata = unknown, Cf = CfProperties<CfHostMetadata>> = Request<CfHostMetadata, Cf> | string;

interface RequestInit<Cf = CfProperties> {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null;
  redirect?: string;
  cf?: Cf;
  cache?: "default" | "no-store" | "reload" | "no-cache" | "force-cache" | "only-if-cached";
  credentials?: "omit" | "same-origin" | "include";
  duplex?: "half";
  integrity?: string;
  keepalive?: boolean;
  mode?: "same-origin" | "no-cors" | "cors";
  priority?: "high" | "low" | "auto";
  referrer?: string;
  referrerPolicy?: string;
  signal?: AbortSignal | null;
}

interface Request<CfHostMetadata = unknown, Cf = CfProperties<CfHostMetadata>> extends Body {
  clone(): Request<CfHostMetadata, Cf>;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly destination: string;
  readonly referrer: string;
  readonly referrerPolicy: string;
  readonly mode: "same-origin" | "no-cors" | "cors";
  readonly credentials: "omit" | "same-origin" | "include";
  readonly cache?: "default" | "no-store" | "reload" | "no-cache" | "force-cache" | "only-if-cached";
  readonly redirect: string;
  readonly integrity: string;
  readonly keepalive: boolean;
  readonly isReloadNavigation: boolean;
  readonly isHistoryNavigation: boolean;
  readonly signal: AbortSignal;
  readonly duplex: "half";
  readonly cf: Cf | undefined;
}
declare var Request: {
  prototype: Request;
  new <CfHostMetadata = unknown, Cf = CfProperties<CfHostMetadata>>(
    input: RequestInfo<CfProperties> | URL,
    init?: RequestInit<Cf>,
  ): Request<CfHostMetadata, Cf>;
};

interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
  cf?: any;
  webSocket?: WebSocket | null;
  encodeBody?: "automatic" | "manual";
}

interface Response extends Body {
  clone(): Response;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly ok: boolean;
  readonly redirected: boolean;
  readonly url: string;
  readonly webSocket: WebSocket | null;
  readonly type: "basic" | "cors" | "default" | "error" | "opaque" | "opaqueredirect";
}
declare var Response: {
  prototype: Response;
  new (body?: BodyInit | null, init?: ResponseInit): Response;
  error(): Response;
  redirect(url: string, status?: number): Response;
  json(any: any, maybeInit?: ResponseInit | Response): Response;
};

/** Kept, and nothing acts on it. */
interface RequestInitCfProperties extends Record<string, unknown> {}

type CfProperties<HostMetadata = unknown> = IncomingRequestCfProperties<HostMetadata> | RequestInitCfProperties;

interface IncomingRequestCfPropertiesTLSClientAuth {
  certIssuerDNLegacy: string;
  certIssuerDN: string;
  certPresented: "0" | "1";
  certSubjectDNLegacy: string;
  certSubjectDN: string;
  certNotBefore: string;
  certNotAfter: string;
  certSerial: string;
  certFingerprintSHA1: string;
  certVerified: string;
}

/** Of Cloudflare's shape; what nothing here knows says "unknown" (docs/platform.md). */
interface IncomingRequestCfProperties<HostMetadata = unknown> {
  readonly asn: number;
  readonly asOrganization: string;
  readonly botManagement?: any;
  readonly city?: string;
  readonly clientAcceptEncoding?: string;
  readonly clientTcpRtt?: number;
  readonly colo: string;
  readonly continent?: string;
  readonly country?: string;
  readonly httpProtocol: string;
  readonly isEUCountry?: "1";
  readonly latitude?: string;
  readonly longitude?: string;
  readonly metroCode?: string;
  readonly postalCode?: string;
  readonly region?: string;
  readonly regionCode?: string;
  readonly requestPriority: string;
  readonly timezone?: string;
  readonly tlsCipher: string;
  readonly tlsClientAuth: IncomingRequestCfPropertiesTLSClientAuth;
  readonly tlsVersion: string;
  readonly hostMetadata?: HostMetadata;
  readonly [name: string]: unknown;
}

// ---- the cache ----

interface CacheQueryOptions {
  ignoreMethod?: boolean;
}

declare abstract class Cache {
  match(request: RequestInfo | URL, options?: CacheQueryOptions): Promise<Response | undefined>;
  put(request: RequestInfo | URL, response: Response): Promise<void>;
  delete(request: RequestInfo | URL, options?: CacheQueryOptions): Promise<boolean>;
}

declare abstract class CacheStorage {
  open(cacheName: string): Promise<Cache>;
  readonly default: Cache;
}
declare const caches: CacheStorage;

// ---- URLs ----

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  static createObjectURL(object: File | Blob): string;
  static revokeObjectURL(url: string): void;
  readonly origin: string;
  readonly searchParams: URLSearchParams;
  get href(): string;
  set href(value: string);
  get protocol(): string;
  set protocol(value: string);
  get username(): string;
  set username(value: string);
  get password(): string;
  set password(value: string);
  get host(): string;
  set host(value: string);
  get hostname(): string;
  set hostname(value: string);
  get port(): string;
  set port(value: string);
  get pathname(): string;
  set pathname(value: string);
  get search(): string;
  set search(value: string);
  get hash(): string;
  set hash(value: string);
  toString(): string;
  toJSON(): string;
}

declare class URLSearchParams {
  constructor(init?: Iterable<Iterable<string>> | Record<string, string> | string);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  entries(): IterableIterator<[key: string, value: string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  forEach<This = unknown>(
    callback: (this: This, value: string, key: string, parent: URLSearchParams) => void,
    thisArg?: This,
  ): void;
  toString(): string;
  [Symbol.iterator](): IterableIterator<[key: string, value: string]>;
}

interface URLPatternInit {
  protocol?: string;
  username?: string;
  password?: string;
  hostname?: string;
  port?: string;
  pathname?: string;
  search?: string;
  hash?: string;
  baseURL?: string;
}
interface URLPatternComponentResult {
  input: string;
  groups: Record<string, string>;
}
interface URLPatternResult {
  inputs: (string | URLPatternInit)[];
  protocol: URLPatternComponentResult;
  username: URLPatternComponentResult;
  password: URLPatternComponentResult;
  hostname: URLPatternComponentResult;
  port: URLPatternComponentResult;
  pathname: URLPatternComponentResult;
  search: URLPatternComponentResult;
  hash: URLPatternComponentResult;
}
interface URLPatternOptions {
  ignoreCase?: boolean;
}
declare class URLPattern {
  constructor(input?: string | URLPatternInit, baseURL?: string | URLPatternOptions, options?: URLPatternOptions);
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly hasRegExpGroups: boolean;
  test(input?: string | URLPatternInit, baseURL?: string): boolean;
  exec(input?: string | URLPatternInit, baseURL?: string): URLPatternResult | null;
}

// ---- encoding and compression ----

interface TextDecoderConstructorOptions {
  fatal?: boolean;
  ignoreBOM?: boolean;
}
interface TextDecoderDecodeOptions {
  stream?: boolean;
}
declare class TextDecoder {
  constructor(label?: string, options?: TextDecoderConstructorOptions);
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: TextDecoderDecodeOptions): string;
}

interface TextEncoderEncodeIntoResult {
  read: number;
  written: number;
}
declare class TextEncoder {
  constructor();
  readonly encoding: string;
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(input: string, buffer: Uint8Array): TextEncoderEncodeIntoResult;
}

declare class TextDecoderStream {
  constructor(label?: string, options?: TextDecoderConstructorOptions);
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  readonly readable: ReadableStream<string>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
}

declare class TextEncoderStream {
  constructor();
  readonly encoding: string;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<string>;
}

declare class CompressionStream {
  constructor(format: "gzip" | "deflate" | "deflate-raw" | "brotli" | "zstd");
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
}

declare class DecompressionStream {
  constructor(format: "gzip" | "deflate" | "deflate-raw" | "brotli" | "zstd");
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
}

// ---- streams ----

interface QueuingStrategyInit {
  highWaterMark: number;
}
interface QueuingStrategy<T = any> {
  highWaterMark?: number | bigint;
  size?: (chunk: T) => number | bigint;
}
declare class ByteLengthQueuingStrategy implements QueuingStrategy<ArrayBufferView> {
  constructor(init: QueuingStrategyInit);
  get highWaterMark(): number;
  get size(): (chunk?: any) => number;
}
declare class CountQueuingStrategy implements QueuingStrategy {
  constructor(init: QueuingStrategyInit);
  get highWaterMark(): number;
  get size(): (chunk?: any) => number;
}

interface UnderlyingSource<R = any> {
  start?: (controller: ReadableStreamDefaultController<R>) => void | Promise<void>;
  pull?: (controller: ReadableStreamDefaultController<R>) => void | Promise<void>;
  cancel?: (reason: any) => void | Promise<void>;
  type?: "" | undefined;
  expectedLength?: number | bigint;
}
interface UnderlyingByteSource {
  type: "bytes";
  autoAllocateChunkSize?: number;
  start?: (controller: ReadableByteStreamController) => void | Promise<void>;
  pull?: (controller: ReadableByteStreamController) => void | Promise<void>;
  cancel?: (reason: any) => void | Promise<void>;
}
interface UnderlyingSink<W = any> {
  type?: string;
  start?: (controller: WritableStreamDefaultController) => void | Promise<void>;
  write?: (chunk: W, controller: WritableStreamDefaultController) => void | Promise<void>;
  abort?: (reason: any) => void | Promise<void>;
  close?: () => void | Promise<void>;
}
interface Transformer<I = any, O = any> {
  readableType?: string;
  writableType?: string;
  start?: (controller: TransformStreamDefaultController<O>) => void | Promise<void>;
  transform?: (chunk: I, controller: TransformStreamDefaultController<O>) => void | Promise<void>;
  flush?: (controller: TransformStreamDefaultController<O>) => void | Promise<void>;
  cancel?: (reason: any) => void | Promise<void>;
  expectedLength?: number;
}

interface StreamPipeOptions {
  preventAbort?: boolean;
  preventCancel?: boolean;
  preventClose?: boolean;
  signal?: AbortSignal;
}
interface ReadableStreamGetReaderOptions {
  mode: "byob";
}
interface ReadableStreamValuesOptions {
  preventCancel?: boolean;
}
interface ReadableWritablePair<R = any, W = any> {
  readable: ReadableStream<R>;
  writable: WritableStream<W>;
}
type ReadableStreamReadResult<R = any> = { done: false; value: R } | { done: true; value?: undefined };

interface ReadableStream<R = any> {
  get locked(): boolean;
  cancel(reason?: any): Promise<void>;
  getReader(): ReadableStreamDefaultReader<R>;
  getReader(options: ReadableStreamGetReaderOptions): ReadableStreamBYOBReader;
  pipeThrough<T>(transform: ReadableWritablePair<T, R>, options?: StreamPipeOptions): ReadableStream<T>;
  pipeTo(destination: WritableStream<R>, options?: StreamPipeOptions): Promise<void>;
  tee(): [ReadableStream<R>, ReadableStream<R>];
  values(options?: ReadableStreamValuesOptions): AsyncIterableIterator<R>;
  [Symbol.asyncIterator](options?: ReadableStreamValuesOptions): AsyncIterableIterator<R>;
}
declare const ReadableStream: {
  prototype: ReadableStream;
  new (underlyingSource: UnderlyingByteSource, strategy?: QueuingStrategy<Uint8Array>): ReadableStream<Uint8Array>;
  new <R = any>(underlyingSource?: UnderlyingSource<R>, strategy?: QueuingStrategy<R>): ReadableStream<R>;
  from<R>(iterable: Iterable<R> | AsyncIterable<R>): ReadableStream<R>;
};

declare class ReadableStreamDefaultReader<R = any> {
  constructor(stream: ReadableStream<R>);
  get closed(): Promise<void>;
  cancel(reason?: any): Promise<void>;
  read(): Promise<ReadableStreamReadResult<R>>;
  releaseLock(): void;
}

interface ReadableStreamBYOBReaderReadOptions {
  min?: number;
}
declare class ReadableStreamBYOBReader {
  constructor(stream: ReadableStream);
  get closed(): Promise<void>;
  cancel(reason?: any): Promise<void>;
  read<T extends ArrayBufferView>(view: T, options?: ReadableStreamBYOBReaderReadOptions): Promise<ReadableStreamReadResult<T>>;
  /** As `read(view, { min })`. */
  readAtLeast<T extends ArrayBufferView>(min: number, view: T): Promise<ReadableStreamReadResult<T>>;
  releaseLock(): void;
}

declare abstract class ReadableStreamBYOBRequest {
  get view(): Uint8Array | null;
  respond(bytesWritten: number): void;
  respondWithNewView(view: ArrayBuffer | ArrayBufferView): void;
}

declare abstract class ReadableStreamDefaultController<R = any> {
  get desiredSize(): number | null;
  close(): void;
  enqueue(chunk?: R): void;
  error(reason?: any): void;
}

declare abstract class ReadableByteStreamController {
  get byobRequest(): ReadableStreamBYOBRequest | null;
  get desiredSize(): number | null;
  close(): void;
  enqueue(chunk: ArrayBuffer | ArrayBufferView): void;
  error(reason?: any): void;
}

declare class WritableStream<W = any> {
  constructor(underlyingSink?: UnderlyingSink<W>, strategy?: QueuingStrategy<W>);
  get locked(): boolean;
  abort(reason?: any): Promise<void>;
  close(): Promise<void>;
  getWriter(): WritableStreamDefaultWriter<W>;
}

declare class WritableStreamDefaultWriter<W = any> {
  constructor(stream: WritableStream<W>);
  get closed(): Promise<void>;
  get ready(): Promise<void>;
  get desiredSize(): number | null;
  abort(reason?: any): Promise<void>;
  close(): Promise<void>;
  write(chunk?: W): Promise<void>;
  releaseLock(): void;
}

declare abstract class WritableStreamDefaultController {
  get signal(): AbortSignal;
  error(reason?: any): void;
}

declare class TransformStream<I = any, O = any> {
  constructor(transformer?: Transformer<I, O>, writableStrategy?: QueuingStrategy<I>, readableStrategy?: QueuingStrategy<O>);
  get readable(): ReadableStream<O>;
  get writable(): WritableStream<I>;
}

declare abstract class TransformStreamDefaultController<O = any> {
  get desiredSize(): number | null;
  enqueue(chunk?: O): void;
  error(reason?: any): void;
  terminate(): void;
}

interface IdentityTransformStreamQueuingStrategy {
  highWaterMark?: number | bigint;
}
declare class IdentityTransformStream extends TransformStream<ArrayBuffer | ArrayBufferView, Uint8Array> {
  constructor(strategy?: IdentityTransformStreamQueuingStrategy);
}
declare class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength: number | bigint, strategy?: IdentityTransformStreamQueuingStrategy);
}

// ---- cryptography ----

interface JsonWebKey {
  kty: string;
  use?: string;
  key_ops?: string[];
  alg?: string;
  ext?: boolean;
  crv?: string;
  x?: string;
  y?: string;
  d?: string;
  n?: string;
  e?: string;
  p?: string;
  q?: string;
  dp?: string;
  dq?: string;
  qi?: string;
  oth?: { r?: string; d?: string; t?: string }[];
  k?: string;
}

type BufferSource = ArrayBuffer | ArrayBufferView;
interface SubtleCryptoHashAlgorithm {
  name: string;
}
interface SubtleCryptoEncryptAlgorithm {
  name: string;
  iv?: BufferSource;
  additionalData?: BufferSource;
  tagLength?: number;
  counter?: BufferSource;
  length?: number;
  label?: BufferSource;
}
interface SubtleCryptoSignAlgorithm {
  name: string;
  hash?: string | SubtleCryptoHashAlgorithm;
  dataLength?: number;
  saltLength?: number;
  context?: BufferSource;
}
interface SubtleCryptoGenerateKeyAlgorithm {
  name: string;
  hash?: string | SubtleCryptoHashAlgorithm;
  modulusLength?: number;
  publicExponent?: BufferSource;
  length?: number;
  namedCurve?: string;
}
interface SubtleCryptoImportKeyAlgorithm {
  name: string;
  hash?: string | SubtleCryptoHashAlgorithm;
  length?: number;
  namedCurve?: string;
  compressed?: boolean;
}
interface SubtleCryptoDeriveKeyAlgorithm {
  name: string;
  salt?: BufferSource;
  iterations?: number;
  hash?: string | SubtleCryptoHashAlgorithm;
  $public?: CryptoKey;
  public?: CryptoKey;
  info?: BufferSource;
}
interface CryptoKeyAlgorithm {
  name: string;
  hash?: { name: string };
  length?: number;
  modulusLength?: number;
  publicExponent?: Uint8Array;
  namedCurve?: string;
}
interface CryptoKeyPair {
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}

declare abstract class CryptoKey {
  readonly type: string;
  readonly extractable: boolean;
  readonly algorithm: CryptoKeyAlgorithm;
  readonly usages: string[];
}

declare abstract class SubtleCrypto {
  encrypt(algorithm: string | SubtleCryptoEncryptAlgorithm, key: CryptoKey, plainText: BufferSource): Promise<ArrayBuffer>;
  decrypt(algorithm: string | SubtleCryptoEncryptAlgorithm, key: CryptoKey, cipherText: BufferSource): Promise<ArrayBuffer>;
  sign(algorithm: string | SubtleCryptoSignAlgorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  verify(
    algorithm: string | SubtleCryptoSignAlgorithm,
    key: CryptoKey,
    signature: BufferSource,
    data: BufferSource,
  ): Promise<boolean>;
  digest(algorithm: string | SubtleCryptoHashAlgorithm, data: BufferSource): Promise<ArrayBuffer>;
  generateKey(
    algorithm: string | SubtleCryptoGenerateKeyAlgorithm,
    extractable: boolean,
    keyUsages: string[],
  ): Promise<CryptoKey | CryptoKeyPair>;
  deriveKey(
    algorithm: string | SubtleCryptoDeriveKeyAlgorithm,
    baseKey: CryptoKey,
    derivedKeyAlgorithm: string | SubtleCryptoImportKeyAlgorithm,
    extractable: boolean,
    keyUsages: string[],
  ): Promise<CryptoKey>;
  deriveBits(algorithm: string | SubtleCryptoDeriveKeyAlgorithm, baseKey: CryptoKey, length?: number | null): Promise<ArrayBuffer>;
  importKey(
    format: string,
    keyData: BufferSource | JsonWebKey,
    algorithm: string | SubtleCryptoImportKeyAlgorithm,
    extractable: boolean,
    keyUsages: string[],
  ): Promise<CryptoKey>;
  exportKey(format: string, key: CryptoKey): Promise<ArrayBuffer | JsonWebKey>;
  wrapKey(
    format: string,
    key: CryptoKey,
    wrappingKey: CryptoKey,
    wrapAlgorithm: string | SubtleCryptoEncryptAlgorithm,
  ): Promise<ArrayBuffer>;
  unwrapKey(
    format: string,
    wrappedKey: BufferSource,
    unwrappingKey: CryptoKey,
    unwrapAlgorithm: string | SubtleCryptoEncryptAlgorithm,
    unwrappedKeyAlgorithm: string | SubtleCryptoImportKeyAlgorithm,
    extractable: boolean,
    keyUsages: string[],
  ): Promise<CryptoKey>;
  timingSafeEqual(a: BufferSource, b: BufferSource): boolean;
}

/** A property of `crypto`, no global. */
interface DigestStream extends WritableStream<BufferSource> {
  readonly digest: Promise<ArrayBuffer>;
  get bytesWritten(): number | bigint;
}

declare abstract class Crypto {
  readonly subtle: SubtleCrypto;
  readonly DigestStream: {
    prototype: DigestStream;
    new (algorithm: string | SubtleCryptoHashAlgorithm): DigestStream;
  };
  getRandomValues<
    T extends
      | Int8Array
      | Uint8Array
      | Uint8ClampedArray
      | Int16Array
      | Uint16Array
      | Int32Array
      | Uint32Array
      | BigInt64Array
      | BigUint64Array,
  >(buffer: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
}
declare const crypto: Crypto;

// ---- performance ----

interface PerformanceMarkOptions {
  detail?: any;
  startTime?: number;
}
interface PerformanceMeasureOptions {
  detail?: any;
  start?: number | string;
  duration?: number;
  end?: number | string;
}

declare abstract class PerformanceEntry {
  readonly id: number;
  readonly name: string;
  readonly entryType: string;
  readonly startTime: number;
  readonly duration: number;
  readonly navigationId: number;
  toJSON(): any;
}
declare class PerformanceMark extends PerformanceEntry {
  constructor(name: string, options?: PerformanceMarkOptions);
  readonly detail: any;
}
declare abstract class PerformanceMeasure extends PerformanceEntry {
  readonly detail: any;
}
declare abstract class PerformanceObserverEntryList {
  getEntries(): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
}
interface PerformanceObserverObserveOptions {
  buffered?: boolean;
  durationThreshold?: number;
  entryTypes?: string[];
  type?: string;
}
declare class PerformanceObserver {
  constructor(callback: (entries: PerformanceObserverEntryList, observer: PerformanceObserver) => void);
  static readonly supportedEntryTypes: readonly string[];
  observe(options?: PerformanceObserverObserveOptions): void;
  disconnect(): void;
  takeRecords(): PerformanceEntry[];
}
declare abstract class Performance extends EventTarget {
  readonly timeOrigin: number;
  now(): number;
  mark(name: string, options?: PerformanceMarkOptions): PerformanceMark;
  measure(name: string, startMarkOrOptions?: string | PerformanceMeasureOptions, endMark?: string): PerformanceMeasure;
  clearMarks(name?: string): void;
  clearMeasures(name?: string): void;
  getEntries(): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
  toJSON(): object;
}
declare const performance: Performance;

// ---- WebSockets, EventSource ----

type WebSocketEventMap = {
  close: CloseEvent;
  message: MessageEvent;
  open: Event;
  error: ErrorEvent;
};
interface WebSocketAcceptOptions {
  allowHalfOpen?: boolean;
}

interface WebSocket extends EventTarget<WebSocketEventMap> {
  /** Begins to deliver messages of one end of a pair, or of fetch(). */
  accept(options?: WebSocketAcceptOptions): void;
  send(message: ArrayBuffer | ArrayBufferView | Blob | string): void;
  close(code?: number, reason?: string): void;
  serializeAttachment(attachment: any): void;
  deserializeAttachment(): any | null;
  readonly url: string | null;
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly extensions: string | null;
  readonly protocol: string | null;
  binaryType: "blob" | "arraybuffer";
  onopen: ((event: Event) => any) | null;
  onerror: ((event: ErrorEvent) => any) | null;
  onclose: ((event: CloseEvent) => any) | null;
  onmessage: ((event: MessageEvent) => any) | null;
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSING: number;
  readonly CLOSED: number;
}
declare var WebSocket: {
  prototype: WebSocket;
  new (url: string | URL, protocols?: string[] | string): WebSocket;
  readonly READY_STATE_CONNECTING: number;
  readonly CONNECTING: number;
  readonly READY_STATE_OPEN: number;
  readonly OPEN: number;
  readonly READY_STATE_CLOSING: number;
  readonly CLOSING: number;
  readonly READY_STATE_CLOSED: number;
  readonly CLOSED: number;
};
type WebSocketPair = { 0: WebSocket; 1: WebSocket };
declare const WebSocketPair: {
  prototype: WebSocketPair;
  new (): WebSocketPair;
};

interface EventSourceEventSourceInit {
  withCredentials?: boolean;
  fetcher?: Fetcher;
}
declare class EventSource extends EventTarget {
  constructor(url: string | URL, init?: EventSourceEventSourceInit);
  static from(stream: ReadableStream): EventSource;
  readonly url: string;
  readonly withCredentials: boolean;
  readonly readyState: number;
  onopen: any | null;
  onmessage: any | null;
  onerror: any | null;
  close(): void;
  static readonly CONNECTING: number;
  static readonly OPEN: number;
  static readonly CLOSED: number;
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSED: number;
}

// ---- HTMLRewriter ----

interface ContentOptions {
  html?: boolean;
}
interface Element {
  tagName: string;
  readonly attributes: IterableIterator<string[]>;
  readonly removed: boolean;
  readonly namespaceURI: string;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
  setAttribute(name: string, value: string): Element;
  removeAttribute(name: string): Element;
  before(content: string | ReadableStream | Response, options?: ContentOptions): Element;
  after(content: string | ReadableStream | Response, options?: ContentOptions): Element;
  prepend(content: string | ReadableStream | Response, options?: ContentOptions): Element;
  append(content: string | ReadableStream | Response, options?: ContentOptions): Element;
  replace(content: string | ReadableStream | Response, options?: ContentOptions): Element;
  setInnerContent(content: string | ReadableStream | Response, options?: ContentOptions): Element;
  remove(): Element;
  removeAndKeepContent(): Element;
  onEndTag(handler: (tag: EndTag) => void | Promise<void>): void;
}
interface EndTag {
  name: string;
  before(content: string | ReadableStream | Response, options?: ContentOptions): EndTag;
  after(content: string | ReadableStream | Response, options?: ContentOptions): EndTag;
  remove(): EndTag;
}
interface Comment {
  text: string;
  readonly removed: boolean;
  before(content: string | ReadableStream | Response, options?: ContentOptions): Comment;
  after(content: string | ReadableStream | Response, options?: ContentOptions): Comment;
  replace(content: string | ReadableStream | Response, options?: ContentOptions): Comment;
  remove(): Comment;
}
interface Text {
  readonly text: string;
  readonly lastInTextNode: boolean;
  readonly removed: boolean;
  before(content: string | ReadableStream | Response, options?: ContentOptions): Text;
  after(content: string | ReadableStream | Response, options?: ContentOptions): Text;
  replace(content: string | ReadableStream | Response, options?: ContentOptions): Text;
  remove(): Text;
}
interface Doctype {
  readonly name: string | null;
  readonly publicId: string | null;
  readonly systemId: string | null;
}
interface DocumentEnd {
  append(content: string, options?: ContentOptions): DocumentEnd;
}
interface HTMLRewriterElementContentHandlers {
  element?(element: Element): void | Promise<void>;
  comments?(comment: Comment): void | Promise<void>;
  text?(element: Text): void | Promise<void>;
}
interface HTMLRewriterDocumentContentHandlers {
  doctype?(doctype: Doctype): void | Promise<void>;
  comments?(comment: Comment): void | Promise<void>;
  text?(text: Text): void | Promise<void>;
  end?(end: DocumentEnd): void | Promise<void>;
}
declare class HTMLRewriter {
  constructor();
  on(selector: string, handlers: HTMLRewriterElementContentHandlers): HTMLRewriter;
  onDocument(handlers: HTMLRewriterDocumentContentHandlers): HTMLRewriter;
  transform(response: Response): Response;
}

// ---- WebAssembly ----

declare namespace WebAssembly {
  class CompileError extends Error {
    constructor(message?: string);
  }
  class LinkError extends Error {
    constructor(message?: string);
  }
  class RuntimeError extends Error {
    constructor(message?: string);
  }
  type ValueType = "anyfunc" | "externref" | "f32" | "f64" | "i32" | "i64" | "v128";
  type ImportExportKind = "function" | "global" | "memory" | "table" | "tag";
  type TableKind = "anyfunc" | "externref";
  type ExportValue = Function | Global | Memory | Table;
  type Exports = Record<string, ExportValue>;
  type ImportValue = ExportValue | number;
  type ModuleImports = Record<string, ImportValue>;
  type Imports = Record<string, ModuleImports>;
  interface GlobalDescriptor {
    value: ValueType;
    mutable?: boolean;
  }
  interface MemoryDescriptor {
    initial: number;
    maximum?: number;
    shared?: boolean;
  }
  interface TableDescriptor {
    element: TableKind;
    initial: number;
    maximum?: number;
  }
  interface ModuleExportDescriptor {
    kind: ImportExportKind;
    name: string;
  }
  interface ModuleImportDescriptor {
    kind: ImportExportKind;
    module: string;
    name: string;
  }
  interface WebAssemblyInstantiatedSource {
    module: Module;
    instance: Instance;
  }
  class Global {
    constructor(descriptor: GlobalDescriptor, value?: any);
    value: any;
    valueOf(): any;
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }
  class Module {
    constructor(bytes: BufferSource);
    static customSections(module: Module, sectionName: string): ArrayBuffer[];
    static exports(module: Module): ModuleExportDescriptor[];
    static imports(module: Module): ModuleImportDescriptor[];
  }
  class Table {
    constructor(descriptor: TableDescriptor, value?: any);
    readonly length: number;
    get(index: number): any;
    grow(delta: number, value?: any): number;
    set(index: number, value?: any): void;
  }
  class Tag {
    constructor(type: { parameters: ValueType[] });
  }
  class Exception {
    constructor(tag: Tag, payload: any[], options?: { traceStack?: boolean });
    is(tag: Tag): boolean;
    getArg(tag: Tag, index: number): any;
  }
  const JSTag: Tag;
  function compile(bytes: BufferSource): Promise<Module>;
  function compileStreaming(source: Response | Promise<Response>): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
  function instantiate(bytes: BufferSource, imports?: Imports): Promise<WebAssemblyInstantiatedSource>;
  function instantiateStreaming(source: Response | Promise<Response>, imports?: Imports): Promise<WebAssemblyInstantiatedSource>;
  function validate(bytes: BufferSource): boolean;
}

// ---- modules ----

interface SocketAddress {
  hostname: string;
  port: number;
}
interface SocketOptions {
  secureTransport?: "off" | "on" | "starttls";
  allowHalfOpen?: boolean;
  highWaterMark?: number | bigint;
}
interface SocketInfo {
  remoteAddress?: string;
  localAddress?: string;
}
interface TlsOptions {
  expectedServerHostname?: string;
}
interface Socket {
  readonly readable: ReadableStream;
  readonly writable: WritableStream;
  readonly closed: Promise<void>;
  readonly opened: Promise<SocketInfo>;
  readonly upgraded: boolean;
  readonly secureTransport: "on" | "off" | "starttls";
  close(): Promise<void>;
  startTls(options?: TlsOptions): Socket;
}

declare module "cloudflare:workers" {
  export const env: Cloudflare.Env;
  export function waitUntil(promise: Promise<unknown>): void;
  export const exports: Cloudflare.Exports;

  /** A class whose methods other workers call by a service binding. */
  export abstract class WorkerEntrypoint<Env = Cloudflare.Env, Props = {}> implements Rpc.WorkerEntrypointBranded {
    [Rpc.__WORKER_ENTRYPOINT_BRAND]: never;
    protected ctx: ExecutionContext<Props>;
    protected env: Env;
    constructor(ctx: ExecutionContext, env: Env);
    fetch?(request: Request): MaybePromise<Response>;
    scheduled?(controller: ScheduledController): MaybePromise<void>;
  }
  /** An object that stays where it is when it is sent: the other side gets a stub of it. */
  export abstract class RpcTarget implements Rpc.RpcTargetBranded {
    [Rpc.__RPC_TARGET_BRAND]: never;
  }
  export type RpcStub<T extends Rpc.Stubable> = Rpc.Stub<T>;
  export const RpcStub: { new <T extends Rpc.Stubable>(value: T): Rpc.Stub<T> };
  export type RpcPromise<T> = Rpc.Result<T>;
  export const RpcPromise: { prototype: Promise<unknown> };
}

declare module "cloudflare:sockets" {
  export function connect(address: string | SocketAddress, options?: SocketOptions): Socket;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

/** What a version knows of itself: `version_metadata`. */
interface WorkerVersionMetadata {
  id: string;
  tag: string;
  /** ISO 8601. */
  timestamp: string;
}

declare module "*.txt" {
  const text: string;
  export default text;
}

declare module "*.html" {
  const text: string;
  export default text;
}

declare module "*.sql" {
  const text: string;
  export default text;
}

declare module "*.bin" {
  const data: ArrayBuffer;
  export default data;
}
