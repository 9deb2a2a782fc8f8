//! Recorded exchanges with a real server: the codec reads and writes the same bytes, and a
//! connection gets the same results however the bytes are cut.

use std::collections::VecDeque;
use std::fmt::Debug;

use otaria::{AuthError, Connection, Error};
use otaria_auth::{AuthSwitchRequest, HandshakeResponse, InitialHandshake};
use otaria_binary::{BinaryRowPacket, Parameters};
use otaria_codec::{
    Capabilities, ColumnDefinition, Decode, Encode, ErrPacket, OkPacket, PayloadWriter,
    ResponseEvent, ResponseReader, SessionChanges,
};
use otaria_statement::{
    ComStmtExecute, ComStmtPrepare, ComStmtPrepareOk, PrepareEvent, PrepareReader,
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
            Some(Command::Statement { .. }) => panic!("{}: a statement", query.name),
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

/// The responses that the packets of a statement's client ask for.
enum Due {
    Prepare(PrepareReader),
    Execute(ResponseReader),
}

/// What the packets of a prepared statement mean, one after the other.
struct Statement {
    capabilities: Capabilities,
    due: VecDeque<Due>,
    /// Those of the statement, as the server told them last.
    known: Vec<ColumnDefinition>,
    /// Those of the result set that is being read.
    columns: Vec<ColumnDefinition>,
    /// How many result sets came without their definitions.
    left_out: usize,
}

impl Statement {
    fn sent(&mut self, payload: &[u8]) {
        if payload[0] == 0x16 {
            comes_back::<ComStmtPrepare<'_>>(payload, self.capabilities);
            let reader = PrepareReader::new(self.capabilities);
            self.due.push_back(Due::Prepare(reader));
        } else {
            let execute = comes_back::<ComStmtExecute<'_>>(payload, self.capabilities);
            if !execute.parameters.is_empty() {
                let parameters = Parameters::decode(execute.parameters, 1).unwrap();
                let mut out = Vec::new();
                parameters.encode(self.capabilities, &mut PayloadWriter::new(&mut out));
                assert_eq!(out, execute.parameters);
            }
            let reader = ResponseReader::new(self.capabilities);
            self.due.push_back(Due::Execute(reader));
        }
    }

    fn received(&mut self, payload: &[u8]) {
        let is_done = match self.due.front_mut().expect("a response that is due") {
            Due::Prepare(reader) => {
                match reader.read(payload).expect("a packet of a response") {
                    PrepareEvent::PrepareOk(_) => {
                        comes_back::<ComStmtPrepareOk>(payload, self.capabilities);
                    }
                    PrepareEvent::ColumnDefinition(column) => self.known.push(column),
                    PrepareEvent::ParameterDefinition(parameter) => {
                        assert_eq!(encoded(&parameter, self.capabilities), payload);
                    }
                    PrepareEvent::Err(err) => {
                        assert_eq!(encoded(&err, self.capabilities), payload);
                    }
                    event => panic!("no fixture has {event:?}"),
                }
                reader.is_done()
            }
            Due::Execute(reader) => {
                match reader.read(payload).expect("a packet of a response") {
                    ResponseEvent::ColumnCount(count) if !count.metadata_follows => {
                        self.left_out += 1;
                        self.columns.clone_from(&self.known);
                        assert_eq!(self.columns.len(), usize::from(count.columns));
                    }
                    ResponseEvent::ColumnCount(_) => self.columns.clear(),
                    ResponseEvent::ColumnDefinition(column) => {
                        assert_eq!(encoded(&column, self.capabilities), payload);
                        self.columns.push(column);
                        self.known.clone_from(&self.columns);
                    }
                    ResponseEvent::Row(row) => {
                        let row = BinaryRowPacket::decode(row, &self.columns).unwrap();
                        assert_eq!(encoded(&row, self.capabilities), payload);
                    }
                    ResponseEvent::Ok(_) | ResponseEvent::ResultSetEnd { .. } => {
                        ok_comes_back(payload, self.capabilities);
                    }
                    ResponseEvent::Err(err) => {
                        assert_eq!(encoded(&err, self.capabilities), payload);
                    }
                    event => panic!("no fixture has {event:?}"),
                }
                reader.is_done()
            }
        };
        if is_done {
            self.due.pop_front();
        }
    }
}

#[test]
fn every_packet_of_a_statement_comes_back() {
    let mut left_out = 0;
    for fixture in Fixture::all("statement") {
        let mut statement = Statement {
            capabilities: negotiated(),
            due: VecDeque::new(),
            known: Vec::new(),
            columns: Vec::new(),
            left_out: 0,
        };
        for packet in &fixture.packets {
            if packet.from_client {
                statement.sent(packet.payload());
            } else {
                statement.received(packet.payload());
            }
        }
        assert!(
            statement.due.is_empty(),
            "{}: half a response",
            fixture.name
        );
        left_out += statement.left_out;
    }
    assert!(left_out > 8, "{left_out}");
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
async fn a_statement_has_the_same_results_however_it_is_cut() {
    let statements = Fixture::all("statement");
    let names = statements.iter().map(|statement| &*statement.name);
    assert!(names.eq(STATEMENT_OUTCOMES.iter().map(|(name, _)| *name)));
    for (statement, (name, lines)) in statements.iter().zip(STATEMENT_OUTCOMES) {
        for cut in cuts(statement) {
            let at = format!("{name} {cut:?}");
            assert_eq!(run(statement, cut).await.lines.join("\n"), *lines, "{at}");
        }
    }
}

#[tokio::test]
async fn a_recorded_row_is_the_same_by_text_and_as_a_binary_one() {
    let all_types = |folder: &str| {
        let mut fixtures = Fixture::all(folder).into_iter();
        fixtures
            .find(|fixture| fixture.name == "02_all_types")
            .unwrap()
    };
    let text = run(&all_types("query"), Cut::Whole).await.lines;
    let binary = run(&all_types("statement"), Cut::Whole).await.lines;
    assert_eq!(text.len(), 30);
    assert_eq!(text, binary);
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

const STATEMENT_OUTCOMES: &[(&str, &str)] = &[
    (
        "01_one_row",
        "column c VarString\n\
         column NULL Null\n\
         row text ax, null\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column c VarString\n\
         column NULL Null\n\
         row text ax, null\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "02_all_types",
        "column i Long\n\
         column t Tiny\n\
         column s Short\n\
         column m Int24\n\
         column l LongLong\n\
         column c NewDecimal\n\
         column f Float\n\
         column d Double\n\
         column y Year\n\
         column da Date\n\
         column dt DateTime\n\
         column ts Timestamp\n\
         column ti Time\n\
         column b Bit\n\
         column e String\n\
         column se String\n\
         column ch String\n\
         column v VarString\n\
         column te Blob\n\
         column bi VarString\n\
         column bl Blob\n\
         column j Blob\n\
         column u String\n\
         column n String\n\
         column p Geometry\n\
         row int 1, int -1, uint 65535, int -8388608, uint 18446744073709551615, decimal -12345.67890, float 1.5, double 2.5e300, uint 2024, date 2024-02-29, datetime 2024-02-29 23:59:59.123456, datetime 2024-02-29 23:59:59, time -838:59:59.999000, uint 5, text green, text a,b, text char, text Zoë 🦭, text text, bytes \\x00\\xff, bytes \\xfb\\xfc\\xfd\\xfe\\xff, text {\"a\": [1, null]}, text 123e4567-e89b-12d3-a456-426655440000, text 2001:db8::1, bytes \\x00\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00@\n\
         row int 2, int 0, uint 0, int 0, uint 0, decimal 0.00000, float 0.0, double 0.0, uint 1901, date 0001-01-01, datetime 0001-01-01 00:00:00, datetime 1970-01-01 00:00:01, time 00:00:00, uint 0, text red, text , text , text , text , bytes , bytes , text 0, text 00000000-0000-0000-0000-000000000000, text ::, bytes \\x00\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\n\
         row int 3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "03_no_rows",
        "column i Long\n\
         column v VarString\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column i Long\n\
         column v VarString\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "04_insert",
        "end: 1 affected, id 3, 0 warnings, \"\"\n\
         end: 1 affected, id 4, 0 warnings, \"\"\n\
         done",
    ),
    (
        "05_insert_returning",
        "column id Long\n\
         column name VarString\n\
         row int 5, text two\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column id Long\n\
         column name VarString\n\
         row int 6, text two\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "06_without_parameters",
        "column n Long\n\
         row int 1\n\
         row int 2\n\
         row int 3\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column n Long\n\
         row int 1\n\
         row int 2\n\
         row int 3\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "07_type_of_a_placeholder",
        "column ? VarString\n\
         row text text\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column ? VarString\n\
         row text text\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "08_syntax_error",
        "error 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'SELEC ?' at line 1",
    ),
    (
        "09_duplicate",
        "error 1062 (23000): Duplicate entry '1' for key 'PRIMARY'",
    ),
    (
        "10_error_after_rows",
        "column n Long\n\
         column (SELECT b.n FROM shop.number b WHERE b.n < a.n) Long\n\
         row int 1, null\n\
         row int 2, int 1\n\
         error 1242 (21000): Subquery returns more than 1 row",
    ),
    (
        "11_call",
        "column a Long\n\
         row int 1\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column b VarString\n\
         column c Null\n\
         row text x, null\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column a Long\n\
         row int 1\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column b VarString\n\
         column c Null\n\
         row text x, null\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
    (
        "12_two_round_trips",
        "column 1 Long\n\
         column ? VarString\n\
         row int 1, text b\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         column 1 Long\n\
         column ? VarString\n\
         row int 1, text b\n\
         end: 0 affected, id 0, 0 warnings, \"\"\n\
         done",
    ),
];
