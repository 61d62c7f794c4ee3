// The parts of the vendored libraries that the page's scripts use.

interface HtmxEvents {
  "htmx:afterRequest": CustomEvent<{ elt: HTMLElement; successful: boolean }>;
  "htmx:afterSwap": CustomEvent<{ target?: Element; requestConfig?: { elt: HTMLElement } }>;
  "htmx:beforeSwap": CustomEvent<{
    isError: boolean;
    target: Element;
    swapOverride?: string;
    selectOverride?: string;
  }>;
}

interface HTMLElementEventMap extends HtmxEvents {}

declare const htmx: {
  ajax(method: string, url: string, options: { target: string; swap: string }): Promise<void>;
  process(element: Element): void;
  /** Set for the sse extension, which calls it for each stream. */
  createEventSource: (url: string) => EventTarget;
};

declare const Idiomorph: {
  defaults: { callbacks: { beforeNodeMorphed: (oldNode: Node, newNode: Node) => boolean } };
};

declare function SwaggerUIBundle(options: {
  domNode: HTMLElement;
  url: string | undefined;
  deepLinking: boolean;
  validatorUrl: string | null;
}): unknown;

interface TusResponse {
  getStatus(): number;
  getHeader(name: string): string | undefined;
  getBody(): string;
}

interface TusError extends Error {
  originalResponse?: TusResponse | null;
}

interface TusPreviousUpload {
  metadata: Record<string, string>;
  uploadUrl: string;
  urlStorageKey: string;
}

interface TusOptions {
  endpoint: string;
  metadata: Record<string, string>;
  uploadDataDuringCreation: boolean;
  removeFingerprintOnSuccess: boolean;
  retryDelays: number[];
  onShouldRetry(error: TusError): boolean;
  onProgress(sent: number, total: number): void;
  onSuccess(payload: { lastResponse?: TusResponse }): void;
  onError(error: TusError): void;
}

interface TusUpload {
  start(): void;
  abort(terminate?: boolean): Promise<void>;
  findPreviousUploads(): Promise<TusPreviousUpload[]>;
  resumeFromPreviousUpload(upload: TusPreviousUpload): void;
}

interface Tus {
  isSupported: boolean;
  Upload: new (file: File, options: TusOptions) => TusUpload;
  defaultOptions: {
    urlStorage: {
      findAllUploads(): Promise<TusPreviousUpload[]>;
      removeUpload(key: string): Promise<void>;
    };
  };
}

interface Window {
  /** Missing if its script could not be loaded. */
  tus?: Tus;
}
