/**
 * Whether a file of this name is one that an editor keeps beside what is edited, gone or out of date once it is saved: locks
 * (`.#x`) and autosaved copies (`#x#`) of Emacs, swap files of Vim (`.x.swp`, `.swo`, … `.swa`), and backups of both (`x~`).
 */
export function isEditorLeftover(name: string): boolean {
  return /^\.#|^#.*#$|^\..*\.sw[a-p]$|.~$/.test(name);
}
