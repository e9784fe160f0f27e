// Groups files by the folder that they were chosen in.

/** The items by the first segment of their paths, with its slash; "" for those that are in no folder. */
export function byFolder<Item>(items: readonly Item[], pathOf: (item: Item) => string): Map<string, Item[]> {
  const folders = new Map<string, Item[]>();
  for (const item of items) {
    const path = pathOf(item);
    const folder = path.slice(0, path.indexOf("/") + 1);
    const found = folders.get(folder);
    if (found) found.push(item);
    else folders.set(folder, [item]);
  }
  return folders;
}
