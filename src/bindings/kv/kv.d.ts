// ---- KV ----

interface KVNamespaceGetOptions<Type> {
  type: Type;
  /** Seconds, 30 or more. Accepted; reads are always of what was stored last. */
  cacheTtl?: number;
}
interface KVNamespacePutOptions {
  /** Seconds since 1970, a minute from now or later. */
  expiration?: number;
  /** Seconds from now, 60 or more. */
  expirationTtl?: number;
  /** At most 1,024 bytes as JSON. */
  metadata?: any | null;
}
interface KVNamespaceListOptions {
  /** 1 to 1,000, which is the default. */
  limit?: number;
  prefix?: string | null;
  cursor?: string | null;
}
interface KVNamespaceListKey<Metadata, Key extends string = string> {
  name: Key;
  expiration?: number;
  metadata?: Metadata;
}
type KVNamespaceListResult<Metadata, Key extends string = string> = {
  keys: KVNamespaceListKey<Metadata, Key>[];
  cacheStatus: string | null;
} & ({ list_complete: false; cursor: string } | { list_complete: true });
interface KVNamespaceGetWithMetadataResult<Value, Metadata> {
  value: Value | null;
  metadata: Metadata | null;
  cacheStatus: string | null;
}

interface KVNamespace<Key extends string = string> {
  get(key: Key, options?: Partial<KVNamespaceGetOptions<undefined>>): Promise<string | null>;
  get(key: Key, type: "text" | KVNamespaceGetOptions<"text">): Promise<string | null>;
  get<Value = unknown>(key: Key, type: "json" | KVNamespaceGetOptions<"json">): Promise<Value | null>;
  get(key: Key, type: "arrayBuffer" | KVNamespaceGetOptions<"arrayBuffer">): Promise<ArrayBuffer | null>;
  get(key: Key, type: "stream" | KVNamespaceGetOptions<"stream">): Promise<ReadableStream | null>;
  /** Up to 100 keys. */
  get(keys: Key[], options?: Partial<KVNamespaceGetOptions<undefined>>): Promise<Map<string, string | null>>;
  get(keys: Key[], type: "text" | KVNamespaceGetOptions<"text">): Promise<Map<string, string | null>>;
  get<Value = unknown>(keys: Key[], type: "json" | KVNamespaceGetOptions<"json">): Promise<Map<string, Value | null>>;
  getWithMetadata<Metadata = unknown>(
    key: Key,
    options?: Partial<KVNamespaceGetOptions<undefined>>,
  ): Promise<KVNamespaceGetWithMetadataResult<string, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    key: Key,
    type: "text" | KVNamespaceGetOptions<"text">,
  ): Promise<KVNamespaceGetWithMetadataResult<string, Metadata>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(
    key: Key,
    type: "json" | KVNamespaceGetOptions<"json">,
  ): Promise<KVNamespaceGetWithMetadataResult<Value, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    key: Key,
    type: "arrayBuffer" | KVNamespaceGetOptions<"arrayBuffer">,
  ): Promise<KVNamespaceGetWithMetadataResult<ArrayBuffer, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    key: Key,
    type: "stream" | KVNamespaceGetOptions<"stream">,
  ): Promise<KVNamespaceGetWithMetadataResult<ReadableStream, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    keys: Key[],
    options?: Partial<KVNamespaceGetOptions<undefined>>,
  ): Promise<Map<string, KVNamespaceGetWithMetadataResult<string, Metadata>>>;
  getWithMetadata<Metadata = unknown>(
    keys: Key[],
    type: "text" | KVNamespaceGetOptions<"text">,
  ): Promise<Map<string, KVNamespaceGetWithMetadataResult<string, Metadata>>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(
    keys: Key[],
    type: "json" | KVNamespaceGetOptions<"json">,
  ): Promise<Map<string, KVNamespaceGetWithMetadataResult<Value, Metadata>>>;
  put(
    key: Key,
    value: string | ArrayBuffer | ArrayBufferView | ReadableStream,
    options?: KVNamespacePutOptions,
  ): Promise<void>;
  delete(key: Key): Promise<void>;
  list<Metadata = unknown>(options?: KVNamespaceListOptions): Promise<KVNamespaceListResult<Metadata, Key>>;
}
