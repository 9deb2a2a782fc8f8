use bitflags::bitflags;

bitflags! {
    /// [Server status flags](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/ok_packet#server-status-flag),
    /// as the latest OK or EOF packet gave them.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub struct ServerStatus: u16 {
        /// A transaction is open.
        const IN_TRANS = 0x0001;
        /// Statements outside a transaction commit by themselves.
        const AUTOCOMMIT = 0x0002;
        /// Another result of the same command follows.
        const MORE_RESULTS_EXISTS = 0x0008;
        /// The statement found no good index.
        const NO_GOOD_INDEX_USED = 0x0010;
        /// The statement used no index.
        const NO_INDEX_USED = 0x0020;
        /// A server-side cursor was opened, or has rows left.
        const CURSOR_EXISTS = 0x0040;
        /// The last row of a cursor was sent.
        const LAST_ROW_SENT = 0x0080;
        /// A database was dropped.
        const DB_DROPPED = 0x0100;
        /// A backslash in a string is an ordinary character.
        const NO_BACKSLASH_ESCAPES = 0x0200;
        /// The statement was prepared again and its columns may differ.
        const METADATA_CHANGED = 0x0400;
        /// The statement took longer than `long_query_time`.
        const QUERY_WAS_SLOW = 0x0800;
        /// The result set holds the OUT parameters of a procedure.
        const PS_OUT_PARAMS = 0x1000;
        /// The open transaction is read-only.
        const IN_TRANS_READONLY = 0x2000;
        /// The packet carries changes of the session's state.
        const SESSION_STATE_CHANGED = 0x4000;
        /// Double quotes enclose names, not strings.
        const ANSI_QUOTES = 0x8000;
    }
}

impl ServerStatus {
    /// Whether a transaction is open, be it by `BEGIN` or because a statement has begun one while
    /// autocommit is off.
    pub const fn is_in_transaction(self) -> bool {
        self.contains(Self::IN_TRANS)
    }

    /// Whether the open transaction was begun as one that only reads.
    pub const fn is_in_read_only_transaction(self) -> bool {
        self.contains(Self::IN_TRANS_READONLY)
    }

    /// Whether statements outside a transaction commit by themselves.
    pub const fn is_autocommit(self) -> bool {
        self.contains(Self::AUTOCOMMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_flags_tell_of_the_transaction() {
        let read_only = ServerStatus::from_bits_retain(0x2003);
        assert!(read_only.is_in_transaction() && read_only.is_in_read_only_transaction());
        assert!(read_only.is_autocommit());
        let none = ServerStatus::from_bits_retain(!0x2003);
        assert!(!none.is_in_transaction() && !none.is_in_read_only_transaction());
        assert!(!none.is_autocommit());
    }
}
