// The package's main module: everything that a page may import. Importing it has no side effects.

export type { CallbackOutcome, RemoteUpload } from "./engine/api.ts";
export type { DiagnosisName } from "./engine/diagnosis-texts.ts";
export {
  AbortedError,
  ApiError,
  ConfigurationError,
  CorsError,
  type ErrorFields,
  FileError,
  LoginError,
  NetworkError,
  StorageError,
  UploadError,
} from "./engine/errors.ts";
export {
  type Notice,
  NoticeEvent,
  StateChangeEvent,
  type UploadEventMap,
  type UploadEventTarget,
  UploadProgressEvent,
} from "./engine/events.ts";
export type { FileState, FolderFile, FolderList } from "./engine/folder-list.ts";
export type { FolderFileEvent, FolderOptions, FolderUpload } from "./engine/folder-upload.ts";
export type { Folders } from "./engine/folders.ts";
export type { BackendOptions, CsrfOption, HeadersOption, HeaderValues } from "./engine/http.ts";
export type { Integrity } from "./engine/integrity.ts";
export { BrowserJournal, MemoryJournal } from "./engine/journal.ts";
export type { StreamOptions, UploaderOptions, UploadOptions } from "./engine/options.ts";
export type {
  BlockedBy,
  Clock,
  Connection,
  Environment,
  FolderRecord,
  Hasher,
  Journal,
  JournalEntry,
  Locks,
  SendRequest,
  SendResponse,
  SignedRequest,
  Transport,
} from "./engine/ports.ts";
export type { Progress } from "./engine/progress.ts";
export type { ErrorName, ErrorTuple, Facts, NoticeName } from "./engine/sentences.ts";
export type { Signing } from "./engine/signer.ts";
export {
  can,
  IllegalTransition,
  isActive,
  isOver,
  type State,
  type StateEvent,
  TRANSITIONS,
} from "./engine/states.ts";
export type { StreamChunk } from "./engine/stream.ts";
export { Upload } from "./engine/upload.ts";
export { OssUploader, type Unfinished } from "./engine/uploader.ts";
