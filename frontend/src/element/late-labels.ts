// The English texts of what an ordinary page with one upload does not show. Each module that shows one of them adds them first.

import { LABELS } from "./labels.ts";

export const LATE_LABELS = {
  pause_all: "Pause all",
  resume_all: "Resume all",
  retry_all: "Retry failed",
  cancel_all: "Cancel all",
  clear: "Clear finished",
  counted: "{done} of {all} uploaded",
  counted_failed: "{done} of {all} uploaded, {failed} failed",
  progress_all: "Progress of all uploads",
  unfinished: "Unfinished uploads",
  unfinished_progress: "{percent} of {size} uploaded",
  choose_again: "Choose the file again",
  discard: "Discard",
  request: "Request ID {id}",
  copy: "Copy",
  request_id: "request ID",
  copied: "Copied",
  recording: "Recording",
  record_stop: "Stop and keep",
  record_cancel: "Discard the recording",
  record_preview: "Camera preview",
  no_camera: "The camera cannot be used: {detail}",
  record_room: "You can record for about {time} more ({size}).",
  record_room_size: "You can record {size} more.",
  record_waits: "The recording waits: the connection is slower than the camera.",
  record_full: "The recording has reached the limit of this page and was stopped. Keep or discard it.",
  record_limited: "It was stopped at the limit of this page. What was recorded until then is uploaded.",
  record_interrupted: "The recording was interrupted. What was recorded until then is uploaded.",

  keep: "Keep",
  stream_kept: "Interrupted recording. {size} of it can be kept.",
  stream_lost: "Interrupted recording. Nothing of it was uploaded.",

  try_now: "Try now",

  speed_limit: "Speed limit",
  speed_unlimited: "No limit",
  speed_rate: "{rate} Mbit/s",
  move_up: "Move up",
  move_down: "Move down",
  announce_moved: "{name} is number {position} of {all} waiting files.",

  undo: "Undo",
  cancelled: "Cancelled. What was uploaded is deleted in {wait}\u00a0s.",
  discarded: "Discarded. What was uploaded is deleted in {wait}\u00a0s.",
  announce_undo: "Cancelled. For {wait} seconds you can undo this.",

  running: "Uploading in another tab",

  open: "Open",
  copy_link: "Copy link",
  link_copied: "Link copied",
  link_until: "Whoever has the link can open the file until {time}.",
  aborted_by_user: "You aborted it in another tab or on another device.",
  aborted_by_administrator: "An administrator aborted it.",
  expired: "It was not finished in time and has expired.",

  limited: "{limits} Interrupted uploads can be resumed.",
  limit_types: "Only {types}.",
  limit_size: "At most {size} per file.",
  limit_left: "You can upload {size} more within 24 hours.",
  refused_type: "“{name}” cannot be uploaded here. Only {types} can.",
  refused_size: "“{name}” is {size}; {most} is the most here.",
  refused_left: "“{name}” is {size}; you can upload {most} more within 24 hours.",
  refused_count: "You have too many unfinished uploads. Finish or discard one, then choose the files again.",
  refused_more: "Other files that cannot be uploaded here: {count}",
  images: "images",
  videos: "videos",
  sounds: "audio",
  texts: "texts",

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
  folder_cancelled: "Cancelled. What is unfinished is deleted in {wait}\u00a0s.",
  folder_discarded: "Discarded. What is unfinished is deleted in {wait}\u00a0s.",

  logged_out: "You are not logged in any more.",
  log_in: "Log in",
  logged_in_again: "Once you are logged in, your uploads continue by themselves.",
} as const;

/** Makes these texts known to every Localization. A translation has its own. */
export function addLateLabels(): void {
  Object.assign(LABELS, LATE_LABELS);
}
