//! Recorded exchanges with a real server: the codec reads and writes the same bytes, and a
//! connection gets the same results however the bytes are cut.

use std::fmt::Debug;

use otaria::{AuthError, Connection, Error};
use otaria_auth::{AuthSwitchRequest, HandshakeResponse, InitialHandshake};
use otaria_codec::{
    Capabilities, Decode, Encode, ErrPacket, OkPacket, PayloadWriter, ResponseEvent,
    ResponseReader, SessionChanges,
};
use otaria_text::{ComPing, ComQuery, ComResetConnection, TextRowPacket};
use protocol_tests::fixture::{Command, Fixture, Outcome, Packet, Replay, chain};
use protocol_tests::pipe::{Cut, Pipe};

fn encoded(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(capabilities, &mut PayloadWriter::new(&mut out));
    out
}

/// Decodes `payload` and checks that encoding gives the same bytes again.
fn comes_back<'a, P>(payload: &'a [u8], capabilities: Capabilities) -> P
where
    P: Decode<'a> + Encode + Debug,
{
    let packet = P::decode(payload, capabilities).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(encoded(&packet, capabilities), payload, "{packet:?}");
    packet
}

fn session_state_comes_back(session_state: &[u8]) {
    let mut out = Vec::new();
    for change in SessionChanges::new(session_state) {
        change
            .expect("an entry of the session state")
            .encode(&mut PayloadWriter::new(&mut out));
    }
    assert_eq!(out, session_state);
}

fn ok_comes_back(payload: &[u8], capabilities: Capabilities) {
    let packet = comes_back::<OkPacket<'_>>(payload, capabilities);
    session_state_comes_back(packet.session_state);
}

/// What the client and the server of the query fixtures have in common.
fn negotiated() -> Capabilities {
    native_login().handshake_response().header.capabilities
}

fn native_login() -> Fixture {
    let logins = Fixture::all("login");
    let native = logins.into_iter().find(|login| login.name == "01_native");
    native.expect("the fixture 01_native")
}

/// Every packet with the sequence number after that of the packet before it.
fn is_in_sequence(packets: &[Packet]) -> bool {
    let numbers = packets.iter().map(|packet| usize::from(packet.bytes[3]));
    numbers.eq(0..packets.len())
}

#[test]
fn every_packet_of_a_login_comes_back() {
    for login in Fixture::all("login") {
        let capabilities = login.handshake_response().header.capabilities;
        let mut packets = login.packets.iter();
        let greeting = packets.next().expect("a greeting");
        comes_back::<InitialHandshake<'_>>(greeting.payload(), Capabilities::empty());
        let response = packets.next().expect("a handshake response");
        comes_back::<HandshakeResponse<'_>>(response.payload(), Capabilities::empty());
        // What a client sends after a switch is the plugin's and has no form of its own.
        for packet in packets.filter(|packet| !packet.from_client) {
            match packet.payload() {
                payload @ [0x00, ..] => ok_comes_back(payload, capabilities),
                payload @ [0xfe, ..] => {
                    comes_back::<AuthSwitchRequest<'_>>(payload, capabilities);
                }
                payload => {
                    comes_back::<ErrPacket<'_>>(payload, capabilities);
                }
            }
        }
        assert!(is_in_sequence(&login.packets), "{}", login.name);
    }
}

#[test]
fn every_packet_of_a_query_comes_back() {
    let capabilities = negotiated();
    for query in Fixture::all("query") {
        let (command, response) = query.packets.split_first().expect("a command");
        let payload = command.payload();
        match query.command() {
            Some(Command::Query(_)) => {
                comes_back::<ComQuery<'_>>(payload, capabilities);
            }
            Some(Command::Ping) => {
                comes_back::<ComPing>(payload, capabilities);
            }
            Some(Command::Reset) => {
                comes_back::<ComResetConnection>(payload, capabilities);
            }
            None => panic!("{}: no command", query.name),
        }
        let mut reader = ResponseReader::new(capabilities);
        for packet in response {
            assert!(!reader.is_done(), "{}: more than a response", query.name);
            response_packet_comes_back(&mut reader, packet.payload(), capabilities);
        }
        assert!(reader.is_done(), "{}: half a response", query.name);
        assert!(is_in_sequence(&query.packets), "{}", query.name);
    }
}

fn response_packet_comes_back(
    reader: &mut ResponseReader,
    payload: &[u8],
    capabilities: Capabilities,
) {
    match reader.read(payload).expect("a packet of a response") {
        ResponseEvent::Ok(_) | ResponseEvent::ResultSetEnd { .. } => {
            ok_comes_back(payload, capabilities);
        }
        ResponseEvent::Err(packet) => assert_eq!(encoded(&packet, capabilities), payload),
        ResponseEvent::ColumnCount(packet) => assert_eq!(encoded(&packet, capabilities), payload),
        ResponseEvent::ColumnDefinition(packet) => {
            assert_eq!(encoded(&packet, capabilities), payload);
        }
        ResponseEvent::Row(row) => {
            comes_back::<TextRowPacket>(row, capabilities);
        }
        event => panic!("no fixture has {event:?}"),
    }
}

async fn login(login: &Fixture, cut: Cut) -> Result<Connection, Error> {
    let pipe = Pipe::new(Replay::new(login.packets.clone(), None), cut);
    Connection::connect_over(pipe, &login.config()).await
}

/// Runs the command of `query` over a pipe that is cut behind the login.
async fn run(query: &Fixture, cut: Cut) -> Outcome {
    let login = native_login();
    let exchange = query.behind(&login);
    let pipe = Pipe::new(Replay::new(exchange.packets, None), Cut::Whole);
    let handle = pipe.handle();
    let mut connection = Connection::connect_over(pipe, &login.config())
        .await
        .expect("a login that was possible");
    handle.set_cut(cut);
    let outcome = query.command().unwrap().run(&mut connection).await;
    assert!(connection.is_idle(), "{}", query.name);
    outcome
}

/// A cut at every byte that the server sends, whole, and byte by byte.
fn cuts(fixture: &Fixture) -> impl Iterator<Item = Cut> {
    let bytes = fixture.from_server().map(<[u8]>::len).sum();
    [Cut::Whole, Cut::Every(1), Cut::Every(3)]
        .into_iter()
        .chain((0..=bytes).map(Cut::Once))
}

#[tokio::test]
async fn a_login_ends_the_same_however_it_is_cut() {
    for fixture in Fixture::all("login") {
        for cut in cuts(&fixture) {
            let at = format!("{} {cut:?}", fixture.name);
            match login(&fixture, cut).await {
                Ok(connection) => {
                    assert!(connection.is_idle(), "{at}");
                    assert_eq!(connection.server_version().unwrap().minor, 11, "{at}");
                    let database = fixture.handshake_response().database;
                    assert_eq!(connection.session_state().schema().unwrap_or(""), database);
                }
                Err(Error::Auth(AuthError::Server { code, .. })) => {
                    assert_eq!((code, &*fixture.name), (1045, "03_refused"), "{at}");
                }
                Err(error) => panic!("{at}: {}", chain(&error)),
            }
        }
    }
}

#[tokio::test]
async fn a_query_has_the_same_results_however_it_is_cut() {
    let queries = Fixture::all("query");
    let names = queries.iter().map(|query| &*query.name);
    assert!(names.eq(OUTCOMES.iter().map(|(name, _)| *name)));
    for (query, (name, lines)) in queries.iter().zip(OUTCOMES) {
        for cut in cuts(query) {
            let at = format!("{name} {cut:?}");
            assert_eq!(run(query, cut).await.lines, *lines, "{at}");
        }
    }
}

#[tokio::test]
async fn session_state_of_a_recorded_ok_is_kept() {
    let login = native_login();
    let queries = Fixture::all("query");
    let run = async |name: &str| {
        let query = queries.iter().find(|query| query.name == name).unwrap();
        let pipe = Pipe::new(
            Replay::new(query.behind(&login).packets, None),
            Cut::Every(7),
        );
        let mut connection = Connection::connect_over(pipe, &login.config()).await?;
        query.command().unwrap().run(&mut connection).await;
        Ok::<_, Error>(connection)
    };
    let connection = run("06_set_autocommit").await.unwrap();
    let state = connection.session_state();
    assert_eq!(state.system_variable("autocommit"), Some("OFF"));
    let connection = run("07_use").await.unwrap();
    assert_eq!(connection.session_state().schema(), Some("shop"));
}

const OUTCOMES: &[(&str, &[&str])] = &[
    (
        "01_one_row",
        &[
            "column 1 Long",
            "column a VarString",
            "column 2.50 NewDecimal",
            "row int 1, text a, decimal 2.50",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "done",
        ],
    ),
    (
        "02_all_types",
        &[
            "column i Long",
            "column t Tiny",
            "column s Short",
            "column m Int24",
            "column l LongLong",
            "column c NewDecimal",
            "column f Float",
            "column d Double",
            "column y Year",
            "column da Date",
            "column dt DateTime",
            "column ts Timestamp",
            "column ti Time",
            "column b Bit",
            "column e String",
            "column se String",
            "column ch String",
            "column v VarString",
            "column te Blob",
            "column bi VarString",
            "column bl Blob",
            "column j Blob",
            "column u String",
            "column n String",
            "column p Geometry",
            "row int 1, int -1, uint 65535, int -8388608, uint 18446744073709551615, decimal -12345.67890, float 1.5, double 2.5e300, uint 2024, date 2024-02-29, datetime 2024-02-29 23:59:59.123456, datetime 2024-02-29 23:59:59, time -838:59:59.999000, uint 5, text green, text a,b, text char, text Zoë 🦭, text text, bytes \\x00\\xff, bytes \\xfb\\xfc\\xfd\\xfe\\xff, text {\"a\": [1, null]}, text 123e4567-e89b-12d3-a456-426655440000, text 2001:db8::1, bytes \\x00\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00@",
            "row int 2, int 0, uint 0, int 0, uint 0, decimal 0.00000, float 0.0, double 0.0, uint 1901, date 0001-01-01, datetime 0001-01-01 00:00:00, datetime 1970-01-01 00:00:01, time 00:00:00, uint 0, text red, text , text , text , text , bytes , bytes , text 0, text 00000000-0000-0000-0000-000000000000, text ::, bytes \\x00\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
            "row int 3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "done",
        ],
    ),
    (
        "03_no_rows",
        &[
            "column i Long",
            "column v VarString",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "done",
        ],
    ),
    (
        "04_insert",
        &[
            "end: 2 affected, id 1, 0 warnings, \"Records: 2  Duplicates: 0  Warnings: 0\"",
            "done",
        ],
    ),
    (
        "05_update",
        &[
            "end: 1 affected, id 0, 0 warnings, \"Rows matched: 1  Changed: 1  Warnings: 0\"",
            "done",
        ],
    ),
    (
        "06_set_autocommit",
        &["end: 0 affected, id 0, 0 warnings, \"\"", "done"],
    ),
    (
        "07_use",
        &["end: 0 affected, id 0, 0 warnings, \"\"", "done"],
    ),
    (
        "08_syntax_error",
        &[
            "error 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'SELEC 1' at line 1",
        ],
    ),
    (
        "09_error_after_rows",
        &[
            "column n Long",
            "column (SELECT b.n FROM shop.number b WHERE b.n < a.n) Long",
            "row int 1, null",
            "row int 2, int 1",
            "error 1242 (21000): Subquery returns more than 1 row",
        ],
    ),
    (
        "10_call",
        &[
            "column a Long",
            "row int 1",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "column b VarString",
            "column c Null",
            "row text x, null",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "done",
        ],
    ),
    (
        "11_call_that_fails",
        &[
            "column a Long",
            "row int 1",
            "end: 0 affected, id 0, 0 warnings, \"\"",
            "error 1644 (45000): late",
        ],
    ),
    (
        "12_warnings",
        &[
            "column CAST('x' AS INT) Long",
            "column 1 / 0 NewDecimal",
            "row int 0, null",
            "end: 0 affected, id 0, 2 warnings, \"\"",
            "done",
        ],
    ),
    ("13_ping", &["done"]),
    ("14_reset", &["done"]),
];
