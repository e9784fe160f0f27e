// The element's English texts about folders. Loaded with the first folder.

export const FOLDER_LABELS = {
  folder_reading: "Reading the folder… {count} files",
  folder_counted: "{done} of {all} files uploaded",
  folder_counted_failed: "{done} of {all} files uploaded, {failed} failed",
  folder_skipped: "{skipped} were uploaded before",
  folder_files: "Show files",
  folder_hide: "Hide files",
  folder_more: "Show more files",
  folder_file_skipped: "Uploaded before",
  folder_choose_again: "Choose the folder again",
  folder_open: "{count} unfinished files",
} as const;

export type FolderLabelName = keyof typeof FOLDER_LABELS;
