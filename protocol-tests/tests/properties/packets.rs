//! Every packet of a server comes back from its bytes as it was.
//!
//! Exceptions, each because the bytes do not say everything, or say it in several ways:
//! - What was not negotiated is not sent: the session state of an OK packet (nor without its status
//!   flag), the extended metadata of a column, whether the metadata follow a column count, the plugin of
//!   a greeting and the last 12 bytes of its scramble.
//! - An OK packet does not tell an empty session state from none, nor an empty info: one with
//!   neither is the same with a NUL behind it, which is the length of the info.
//! - The message of an error without SQLSTATE does not begin with `#`.
//! - Entries of extended metadata of an unknown kind are skipped, and an empty name is none.
//! - Of a change of the session's state, an entry may hold several variables; MySQL puts a length
//!   before the character that says that something changed. Neither is written, both are read.
//! - Lengths are written in their shortest form and read in any.

use std::fmt::Debug;

use otaria_auth::{AuthMoreData, AuthSwitchRequest, InitialHandshake};
use otaria_codec::{
    Capabilities, ColumnCount, ColumnDefinition, Decode, Encode, EofPacket, ErrPacket,
    ExtendedMetadata, FieldFlags, FieldType, LocalInfilePacket, OkPacket, PayloadReader,
    PayloadWriter, ProgressReport, ServerStatus, SessionChange, SessionChanges,
};
use otaria_statement::{ComStmtPrepareOk, StatementId};
use otaria_text::TextRowPacket;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// The payload of a packet.
pub(crate) fn encoded(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut payload = Vec::new();
    packet.encode(capabilities, &mut PayloadWriter::new(&mut payload));
    payload
}

/// The payload of a packet, and a NUL behind it.
pub(crate) fn encoded_and_nul(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut longer = encoded(packet, capabilities);
    longer.push(0);
    longer
}

/// Checks that a packet comes back from what it is encoded to, and that nothing less, and nothing more,
/// is the same packet. `longer` is its payload and a NUL.
pub(crate) fn comes_back<'a, P>(packet: &P, longer: &'a [u8], capabilities: Capabilities)
where
    P: Decode<'a> + Encode + Debug + PartialEq,
{
    let (_, payload) = longer.split_last().expect("a NUL");
    comes_back_from_no_less(packet, payload, capabilities);
    assert_ne!(P::decode(longer, capabilities).as_ref(), Ok(packet));
}

/// Checks that a packet comes back from what it is encoded to, and that nothing less is the same.
fn comes_back_from_no_less<'a, P>(packet: &P, payload: &'a [u8], capabilities: Capabilities)
where
    P: Decode<'a> + Encode + Debug + PartialEq,
{
    assert_eq!(P::decode(payload, capabilities).as_ref(), Ok(packet));
    for end in 0..payload.len() {
        assert_ne!(
            P::decode(&payload[..end], capabilities).as_ref(),
            Ok(packet)
        );
    }
}

/// Where the payload is one of the packets, what that is encoded to is an equal one.
macro_rules! again {
    ($payload:expr, $capabilities:expr, $($packet:ty),+) => {$(
        if let Ok(packet) = <$packet>::decode($payload, $capabilities) {
            let payload = encoded(&packet, $capabilities);
            assert_eq!(<$packet>::decode(&payload, $capabilities), Ok(packet));
        }
    )+};
}
pub(crate) use again;

/// Any bytes; some of them are longer than a byte can say.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..40), vec(any::<u8>(), 240..300)]
}

/// The same, or as often nothing.
fn bytes_or_none() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), bytes()]
}

/// Text without a NUL.
pub(crate) fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', "0"))
}

/// The capabilities that change the form of a packet.
pub(crate) fn capabilities() -> impl Strategy<Value = Capabilities> {
    any::<u64>().prop_map(Capabilities::from_bits_retain)
}

/// Numbers of which many have a length of their own.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64).prop_map(|(bits, shift)| bits >> shift)
}

proptest! {
    #[test]
    fn numbers_with_a_length_come_back_whatever_they_are(number in number()) {
        let mut payload = Vec::new();
        PayloadWriter::new(&mut payload).int_lenenc(number);
        let mut reader = PayloadReader::new("a number", &payload);
        prop_assert_eq!(reader.int_lenenc(), Ok(number));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn bytes_with_a_length_come_back_whatever_they_are(bytes in option::of(bytes())) {
        let mut payload = Vec::new();
        let mut out = PayloadWriter::new(&mut payload);
        match &bytes {
            Some(bytes) => out.bytes_lenenc(bytes),
            None => out.int1(0xfb),
        }
        let mut reader = PayloadReader::new("bytes", &payload);
        prop_assert_eq!(reader.bytes_lenenc_or_null(), Ok(bytes.as_deref()));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn an_ok_packet_comes_back(
        ends_result_set: bool,
        (affected_rows, last_insert_id) in (number(), number()),
        (status, warnings) in any::<(u16, u16)>(),
        (info, session_state) in (bytes_or_none(), bytes_or_none()),
        capabilities in capabilities(),
    ) {
        let mut status = ServerStatus::from_bits_retain(status);
        status.set(ServerStatus::SESSION_STATE_CHANGED, !session_state.is_empty());
        let is_tracked = capabilities.contains(Capabilities::SESSION_TRACK);
        let packet = OkPacket {
            ends_result_set,
            affected_rows,
            last_insert_id,
            status,
            warnings,
            info: &info,
            session_state: if is_tracked { &session_state } else { &[] },
        };
        if packet.info.is_empty() && packet.session_state.is_empty() {
            let longer = encoded_and_nul(&packet, capabilities);
            prop_assert_eq!(OkPacket::decode(&longer, capabilities), Ok(packet));
            comes_back_from_no_less(&packet, &encoded(&packet, capabilities), capabilities);
        } else {
            comes_back(&packet, &encoded_and_nul(&packet, capabilities), capabilities);
        }
    }

    #[test]
    fn changes_of_the_session_come_back_in_their_order(
        changes in vec((0..9_u8, bytes(), bytes(), any::<bool>()), 0..8),
    ) {
        let changes: Vec<SessionChange<'_>> = changes
            .iter()
            .map(|(kind, one, other, changed)| match kind {
                0 => SessionChange::SystemVariable { name: one, value: other },
                1 => SessionChange::Schema(one),
                2 => SessionChange::StateChange { changed: *changed },
                3 => SessionChange::Gtids(one),
                4 => SessionChange::TransactionCharacteristics(one),
                5 => SessionChange::TransactionState(one),
                kind => SessionChange::Unknown { change_type: *kind, data: one },
            })
            .collect();
        let mut state = Vec::new();
        for change in &changes {
            change.encode(&mut PayloadWriter::new(&mut state));
        }
        let found: Result<Vec<_>, _> = SessionChanges::new(&state).collect();
        prop_assert_eq!(found, Ok(changes));
    }

    #[test]
    fn an_err_packet_comes_back(
        code: u16,
        sqlstate in option::of(any::<[u8; 5]>()),
        message in bytes(),
    ) {
        prop_assume!(sqlstate.is_some() || message.first() != Some(&b'#'));
        let packet = ErrPacket { code, sqlstate, message: &message };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn a_progress_report_comes_back(
        (stage, max_stage) in any::<(u8, u8)>(),
        progress in 0..0x0100_0000_u32,
        info in bytes(),
    ) {
        let packet = ProgressReport { stage, max_stage, progress, info: &info };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn an_eof_packet_comes_back((warnings, status) in any::<(u16, u16)>()) {
        let status = ServerStatus::from_bits_retain(status);
        let packet = EofPacket { warnings, status };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn a_request_for_a_file_comes_back(file_name in bytes()) {
        let packet = LocalInfilePacket { file_name: &file_name };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn a_column_count_comes_back(
        columns in 1..=u16::MAX,
        follows: bool,
        capabilities in capabilities(),
    ) {
        let is_cached = capabilities.contains(Capabilities::MARIADB_CLIENT_CACHE_METADATA);
        let packet = ColumnCount { columns, metadata_follows: follows || !is_cached };
        comes_back(&packet, &encoded_and_nul(&packet, capabilities), capabilities);
    }

    #[test]
    fn a_column_definition_comes_back(
        (name, field_type) in (any::<String>(), any::<u8>()),
        (schema, table, column) in any::<(String, String, String)>(),
        (type_name, format_name) in any::<(String, String)>(),
        (flags, collation) in any::<(u16, u16)>(),
        (length, decimals) in any::<(u32, u8)>(),
        capabilities in capabilities(),
    ) {
        let metadata = Capabilities::MARIADB_CLIENT_EXTENDED_METADATA;
        let mut packet = ColumnDefinition::new(&name, FieldType::from(field_type))
            .with_flags(FieldFlags::from_bits_retain(flags))
            .with_collation(collation)
            .with_length(length, decimals)
            .with_origin(&schema, &table, &column);
        if capabilities.contains(metadata) {
            packet = packet.with_extended_metadata(&type_name, &format_name);
        }
        comes_back(&packet, &encoded_and_nul(&packet, capabilities), capabilities);
        prop_assert_eq!(packet.name(), name);
        prop_assert_eq!(packet.original_name(), column);
    }

    #[test]
    fn extended_metadata_come_back((type_name, format_name) in (bytes(), bytes())) {
        let packet = ExtendedMetadata { type_name: &type_name, format_name: &format_name };
        let none = Capabilities::empty();
        let payload = encoded(&packet, none);
        prop_assert_eq!(ExtendedMetadata::decode(&payload, none), Ok(packet));
    }

    #[test]
    fn a_greeting_comes_back(
        server_version in bytes(),
        thread_id: u32,
        mut scramble: [u8; 20],
        capabilities in capabilities(),
        (collation, status) in any::<(u8, u16)>(),
        plugin in text(),
    ) {
        let server_version: Vec<u8> = server_version.into_iter().filter(|byte| *byte > 0).collect();
        // MySQL has no extended word.
        let extended = if capabilities.is_mariadb() { capabilities.extended() } else { 0 };
        let capabilities = Capabilities::from_words(capabilities.classic(), extended);
        if !capabilities.contains(Capabilities::SECURE_CONNECTION) {
            scramble[8..].fill(0);
        }
        let has_plugin = capabilities.contains(Capabilities::PLUGIN_AUTH);
        let packet = InitialHandshake {
            server_version: &server_version,
            thread_id,
            scramble,
            capabilities,
            collation,
            status: ServerStatus::from_bits_retain(status),
            default_auth_plugin: if has_plugin { &plugin } else { "" },
        };
        let none = Capabilities::empty();
        let payload = encoded(&packet, none);
        prop_assert_eq!(InitialHandshake::decode(&payload, none), Ok(packet));
    }

    #[test]
    fn a_switch_of_the_plugin_comes_back((plugin, plugin_data) in (text(), bytes())) {
        let packet = AuthSwitchRequest { auth_plugin: &plugin, plugin_data: &plugin_data };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn more_data_of_a_plugin_come_back(plugin_data in bytes()) {
        let packet = AuthMoreData { plugin_data: &plugin_data };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn what_is_said_of_a_prepared_statement_comes_back(
        id in 0..u32::MAX,
        (columns, parameters, warnings) in any::<(u16, u16, u16)>(),
    ) {
        let statement = StatementId(id);
        let packet = ComStmtPrepareOk { statement, columns, parameters, warnings };
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn a_row_of_text_comes_back(cells in vec(option::of(bytes()), 1..20)) {
        let packet = TextRowPacket::of(cells);
        let none = Capabilities::empty();
        comes_back(&packet, &encoded_and_nul(&packet, none), none);
    }

    #[test]
    fn what_is_read_of_any_bytes_comes_back(
        mut payload in bytes(),
        header in any::<prop::sample::Index>(),
        capabilities in capabilities(),
    ) {
        const HEADERS: [u8; 6] = [0x00, 0xfe, 0xff, 0xfb, 0x01, 0x0a];
        payload.insert(0, HEADERS[header.index(HEADERS.len())]);
        again!(&payload, capabilities, OkPacket<'_>, ErrPacket<'_>, EofPacket, ProgressReport<'_>);
        again!(&payload, capabilities, LocalInfilePacket<'_>, ColumnCount, ColumnDefinition);
        again!(&payload, capabilities, InitialHandshake<'_>, AuthSwitchRequest<'_>);
        again!(&payload, capabilities, AuthMoreData<'_>, ComStmtPrepareOk, TextRowPacket);
    }
}
