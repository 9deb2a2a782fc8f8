use bitflags::bitflags;

bitflags! {
    /// [Capabilities](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#capabilities)
    /// of a server, of a client, or (what both have) of a connection: the classic 32 bits, then
    /// MariaDB's extended ones.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub struct Capabilities: u64 {
        /// Bit 0: the peer is MySQL. A client must leave it clear to get MariaDB's extended word.
        const CLIENT_MYSQL = 1;
        /// Affected rows are the rows found, not the rows changed.
        const FOUND_ROWS = 1 << 1;
        /// Longer column flags.
        const LONG_FLAG = 1 << 2;
        /// The handshake response names a database.
        const CONNECT_WITH_DB = 1 << 3;
        /// Packets may be compressed.
        const COMPRESS = 1 << 5;
        /// `LOAD DATA LOCAL` is allowed.
        const LOCAL_FILES = 1 << 7;
        /// Space is allowed before the parenthesis of a function call.
        const IGNORE_SPACE = 1 << 8;
        /// The protocol of version 4.1, the only one spoken here.
        const PROTOCOL_41 = 1 << 9;
        /// `interactive_timeout` applies in place of `wait_timeout`.
        const INTERACTIVE = 1 << 10;
        /// The connection can be upgraded to TLS.
        const SSL = 1 << 11;
        /// Status flags tell the state of the transaction.
        const TRANSACTIONS = 1 << 13;
        /// The length of the authentication response is one byte.
        const SECURE_CONNECTION = 1 << 15;
        /// One query may hold several statements.
        const MULTI_STATEMENTS = 1 << 16;
        /// One query may have several results.
        const MULTI_RESULTS = 1 << 17;
        /// A prepared statement may have several results.
        const PS_MULTI_RESULTS = 1 << 18;
        /// Authentication plugins are named.
        const PLUGIN_AUTH = 1 << 19;
        /// The handshake response carries connection attributes.
        const CONNECT_ATTRS = 1 << 20;
        /// The length of the authentication response is an int\<lenenc>.
        const PLUGIN_AUTH_LENENC_CLIENT_DATA = 1 << 21;
        /// The client can log in with an expired password, to change it.
        const CAN_HANDLE_EXPIRED_PASSWORDS = 1 << 22;
        /// OK packets carry changes of the session's state.
        const SESSION_TRACK = 1 << 23;
        /// Result sets end by an OK packet, and no EOF follows the column definitions.
        const DEPRECATE_EOF = 1 << 24;
        /// MySQL's: packets may be compressed by zstd. The handshake response carries a level.
        const ZSTD_COMPRESSION_ALGORITHM = 1 << 26;
        /// Progress reports may come before a response.
        const MARIADB_CLIENT_PROGRESS = 1 << 32;
        /// `COM_STMT_BULK_EXECUTE`, and statement id -1.
        const MARIADB_CLIENT_STMT_BULK_OPERATIONS = 1 << 34;
        /// Column definitions carry the name of a type that has no number.
        const MARIADB_CLIENT_EXTENDED_METADATA = 1 << 35;
        /// Column definitions that the client knows already are not sent again.
        const MARIADB_CLIENT_CACHE_METADATA = 1 << 36;
        /// `COM_STMT_BULK_EXECUTE` can say what each row of parameters did.
        const MARIADB_CLIENT_BULK_UNIT_RESULTS = 1 << 37;

        /// Bits without a name here are kept: a server may offer anything.
        const _ = !0;
    }
}

impl Capabilities {
    /// The set that two words on the wire stand for.
    pub const fn from_words(classic: u32, extended: u32) -> Self {
        #[expect(clippy::as_conversions, reason = "`from` is not const")]
        Self::from_bits_retain((extended as u64) << 32 | classic as u64)
    }

    /// The low 32 bits.
    pub const fn classic(self) -> u32 {
        let [a, b, c, d, ..] = self.bits().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// MariaDB's extended bits, the high 32.
    pub const fn extended(self) -> u32 {
        let [.., e, f, g, h] = self.bits().to_le_bytes();
        u32::from_le_bytes([e, f, g, h])
    }

    /// Whether the peer is a MariaDB server: bit 0 is clear.
    pub const fn is_mariadb(self) -> bool {
        !self.contains(Self::CLIENT_MYSQL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_mariadb_11_8_come_back() {
        let capabilities = Capabilities::from_words(0x81ff_fffe, 0x3d);
        assert!(capabilities.is_mariadb());
        assert!(capabilities.contains(Capabilities::MARIADB_CLIENT_BULK_UNIT_RESULTS));
        assert_eq!(capabilities.classic(), 0x81ff_fffe);
        assert_eq!(capabilities.extended(), 0x3d);
    }
}
