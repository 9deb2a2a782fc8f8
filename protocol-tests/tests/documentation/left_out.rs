//! What is not run, and why.

/// Why the statement is not run, if it is not.
pub(super) fn reason(sql: &str) -> Option<&'static str> {
    let sql = sql.to_ascii_uppercase();
    let words: Vec<&str> = sql
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '@')
        .filter(|word| !word.is_empty())
        .collect();
    let has = |those: &[&str]| words.iter().any(|word| those.contains(word));
    if FIRST_WORDS.contains(words.first()?) || has(&SERVER_WIDE) {
        Some("changes or shows the server, not the session")
    } else if has(&WAITS) {
        Some("waits")
    } else if has(&FILES) {
        Some("files of the server")
    } else if has(&EACH_TIME) {
        Some("depends on the time, on chance or on who asks")
    } else {
        None
    }
}

const FIRST_WORDS: [&str; 19] = [
    "ANALYZE",
    "CHECK",
    "CHECKSUM",
    "EXPLAIN",
    "FLUSH",
    "GRANT",
    "INSTALL",
    "KILL",
    "LOAD",
    "OPTIMIZE",
    "RENAME",
    "REPAIR",
    "REVOKE",
    "SHOW",
    "XA",
    "UNINSTALL",
    "PURGE",
    "RESET",
    "CHANGE",
];

const SERVER_WIDE: [&str; 24] = [
    "GLOBAL",
    "@@GLOBAL",
    "USER",
    "ROLE",
    "EVENT",
    "SERVER",
    "DATABASE",
    "SCHEMA",
    "SONAME",
    "TABLESPACE",
    "REFERENCE",
    "RESOURCE",
    "INSTANCE",
    "COMPONENT",
    "PERSIST",
    "PERSIST_ONLY",
    "CLONE",
    "RESTART",
    "SHUTDOWN",
    "PASSWORD",
    "INFORMATION_SCHEMA",
    "PERFORMANCE_SCHEMA",
    "MYSQL",
    "STATEMENT",
];

const WAITS: [&str; 8] = [
    "SLEEP",
    "BENCHMARK",
    "GET_LOCK",
    "MASTER_POS_WAIT",
    "MASTER_GTID_WAIT",
    "LOCK",
    "WAIT",
    "MAX_STATEMENT_TIME",
];

const FILES: [&str; 4] = ["OUTFILE", "DUMPFILE", "LOAD_FILE", "INFILE"];

/// The order of rows that are equal in what orders them is chance, too.
const EACH_TIME: [&str; 26] = [
    "NTILE",
    "ROW_NUMBER",
    "NOW",
    "CURDATE",
    "CURTIME",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "SESSION_USER",
    "SYSTEM_USER",
    "SYSDATE",
    "SYSTIMESTAMP",
    "UTC_DATE",
    "UTC_TIME",
    "UTC_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "RAND",
    "UUID",
    "UUID_SHORT",
    "SYS_GUID",
    "RANDOM_BYTES",
    "CONNECTION_ID",
    "ENCRYPT",
    "VERSION",
];
