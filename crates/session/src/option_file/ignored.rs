//! Options of client programs that are no business of a driver.

/// Whether the option `name` only concerns what a program asks, shows or logs, or what this driver
/// has no other way to do.
pub(super) fn is_ignored(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let name = name
        .strip_prefix("skip-")
        .or_else(|| name.strip_prefix("disable-"))
        .or_else(|| name.strip_prefix("enable-"))
        .unwrap_or(&name);
    IGNORED.contains(&name)
}

const IGNORED: &[&str] = &[
    "auto-rehash",
    "batch",
    "binary-as-hex",
    "binary-mode",
    "character-sets-dir",
    "column-names",
    "column-type-info",
    "comments",
    // A hint; the server asks for another plugin anyway.
    "default-auth",
    // How a terminal shows text: here text is Unicode.
    "default-character-set",
    "delimiter",
    "force",
    "histignore",
    "html",
    "i-am-a-dummy",
    "line-numbers",
    "max-join-size",
    "named-commands",
    "net-buffer-length",
    "no-auto-rehash",
    "no-beep",
    "pager",
    // Where shared objects lie; plugins are compiled in.
    "plugin-dir",
    "progress-reports",
    "prompt",
    "quick",
    "raw",
    "reconnect",
    "safe-updates",
    "select-limit",
    "show-warnings",
    "sigint-ignore",
    "silent",
    "table",
    "tee",
    "unbuffered",
    "verbose",
    "vertical",
    "wait",
    "xml",
];
