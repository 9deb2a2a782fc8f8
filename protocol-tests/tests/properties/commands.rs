//! Every packet of a client comes back from its bytes as it was.
//!
//! Exceptions: what was not negotiated is not sent (the database, the plugin, the attributes), a
//! response of 255 bytes or more needs a length of more than a byte, and no name has a NUL.

use std::borrow::Cow;

use otaria_auth::{ComChangeUser, HandshakeResponse, SslRequest};
use otaria_codec::{Capabilities, Decode};
use otaria_statement::{
    BulkFlags, ComStmtBulkExecute, ComStmtClose, ComStmtExecute, ComStmtFetch, ComStmtPrepare,
    ComStmtReset, ComStmtSendLongData, CursorFlags, ExecuteParameters, ParameterIndicator,
    StatementId,
};
use otaria_text::{ComInitDb, ComPing, ComQuery, ComQuit, ComResetConnection, ComStatistics};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::packets::{again, bytes, capabilities, comes_back, encoded, encoded_and_nul, text};

const NONE: Capabilities = Capabilities::empty();

/// Checks that each packet comes back.
macro_rules! come_back {
    ($($packet:expr),+ $(,)?) => {$(
        let packet = $packet;
        let longer = encoded_and_nul(&packet, NONE);
        comes_back(&packet, &longer, NONE);
    )+};
}

/// Those that a client sends: towards MySQL there is no extended word.
fn client_capabilities() -> impl Strategy<Value = Capabilities> {
    capabilities().prop_map(|capabilities| {
        let is_mariadb = capabilities.is_mariadb();
        let extended = if is_mariadb {
            capabilities.extended()
        } else {
            0
        };
        Capabilities::from_words(capabilities.classic(), extended)
    })
}

#[test]
fn commands_without_a_field_come_back() {
    come_back!(ComPing, ComQuit, ComResetConnection, ComStatistics);
}

proptest! {
    #[test]
    fn commands_with_one_field_come_back((sql, id, rows) in (bytes(), any::<u32>(), any::<u32>())) {
        let statement = StatementId(id);
        come_back!(
            ComQuery::new(&sql),
            ComInitDb { schema: &sql },
            ComStmtPrepare::new(&sql),
            ComStmtClose { statement },
            ComStmtReset { statement },
            ComStmtFetch { statement, rows },
        );
    }

    #[test]
    fn an_execution_comes_back(
        (id, flags, iterations) in any::<(u32, u8, u32)>(),
        parameters in bytes(),
    ) {
        let flags = CursorFlags::from_bits_retain(flags);
        let statement = StatementId(id);
        let parameters = &parameters[..];
        let packet = ComStmtExecute { statement, flags, iterations, parameters };
        come_back!(packet);
    }

    #[test]
    fn the_parts_of_parameters_come_back(
        count in 1..40_u16,
        fill: u8,
        with_types: bool,
        values in bytes(),
    ) {
        let bitmap = vec![fill; usize::from(count).div_ceil(8)];
        let types = vec![fill; 2 * usize::from(count)];
        let types = with_types.then_some(&types[..]);
        let parameters = ExecuteParameters { null_bitmap: &bitmap, types, values: &values };
        let payload = encoded(&parameters, NONE);
        prop_assert_eq!(ExecuteParameters::split(&payload, count), Ok(parameters));
    }

    #[test]
    fn an_execution_in_bulk_comes_back((id, flags) in any::<(u32, u16)>(), parameters in bytes()) {
        let flags = BulkFlags::from_bits_retain(flags);
        let statement = StatementId(id);
        let parameters = &parameters[..];
        let packet = ComStmtBulkExecute { statement, flags, parameters };
        come_back!(packet);
    }

    #[test]
    fn an_indicator_comes_back(byte: u8) {
        if let Some(indicator) = ParameterIndicator::from_byte(byte) {
            prop_assert_eq!(indicator.to_byte(), byte);
        }
    }

    #[test]
    fn a_piece_of_long_data_comes_back((id, parameter) in any::<(u32, u16)>(), data in bytes()) {
        let statement = StatementId(id);
        let packet = ComStmtSendLongData { statement, parameter, data: &data };
        come_back!(packet);
    }

    #[test]
    fn a_request_for_tls_comes_back(
        capabilities in client_capabilities(),
        (max_packet_bytes, collation) in any::<(u32, u8)>(),
    ) {
        come_back!(SslRequest { capabilities, max_packet_bytes, collation });
    }

    #[test]
    fn a_handshake_response_comes_back(
        capabilities in client_capabilities(),
        (max_packet_bytes, collation) in any::<(u32, u8)>(),
        (user, database, plugin) in (text(), text(), text()),
        auth_response in vec(1_u8.., 0..256),
        attributes in vec(any::<(String, String)>(), 0..5),
    ) {
        let has = |capability| capabilities.contains(capability);
        let packet = HandshakeResponse {
            header: SslRequest { capabilities, max_packet_bytes, collation },
            user: &user,
            auth_response: Cow::Owned(auth_response),
            database: if has(Capabilities::CONNECT_WITH_DB) { &database } else { "" },
            auth_plugin: if has(Capabilities::PLUGIN_AUTH) { &plugin } else { "" },
            attributes: if has(Capabilities::CONNECT_ATTRS) {
                Cow::Owned(attributes)
            } else {
                Cow::Borrowed(&[])
            },
            zstd_level: if has(Capabilities::ZSTD_COMPRESSION_ALGORITHM) { 3 } else { 0 },
        };
        come_back!(packet);
    }

    #[test]
    fn a_change_of_the_user_comes_back(
        capabilities in capabilities(),
        (user, database, plugin) in (text(), text(), text()),
        collation: u16,
        auth_response in vec(any::<u8>(), 0..256),
        attributes in vec(any::<(String, String)>(), 0..5),
    ) {
        let has = |capability| capabilities.contains(capability);
        let packet = ComChangeUser {
            user: &user,
            auth_response: &auth_response,
            database: &database,
            collation,
            auth_plugin: if has(Capabilities::PLUGIN_AUTH) { &plugin } else { "" },
            attributes: if has(Capabilities::CONNECT_ATTRS) {
                Cow::Owned(attributes)
            } else {
                Cow::Borrowed(&[])
            },
        };
        comes_back(&packet, &encoded_and_nul(&packet, capabilities), capabilities);
    }

    #[test]
    fn what_is_read_of_any_bytes_comes_back(
        mut payload in bytes(),
        header in prop_oneof![32 => 0..0x20_u8, 1 => Just(0xfa)],
        capabilities in capabilities(),
    ) {
        payload.insert(0, header);
        again!(&payload, capabilities, ComQuery<'_>, ComInitDb<'_>, ComStmtPrepare<'_>, ComPing);
        again!(&payload, capabilities, ComQuit, ComResetConnection, ComStatistics, ComStmtClose);
        again!(&payload, capabilities, ComStmtReset, ComStmtFetch, ComStmtExecute<'_>);
        again!(&payload, capabilities, ComStmtBulkExecute<'_>, ComStmtSendLongData<'_>);
        again!(&payload, capabilities, HandshakeResponse<'_>, ComChangeUser<'_>, SslRequest);
    }
}
