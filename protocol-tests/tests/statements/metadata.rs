//! Column definitions that the server leaves out, and those that it sends again.

use otaria::{CloseReason, Connection, Error, InvalidPacket};
use otaria_codec::{Capabilities, ServerStatus};
use otaria_statement::ComStmtPrepare;
use otaria_text::ComQuery;
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::{
    CAPABILITIES, FakeStatement, FakeStatements, Layers, Reply, Script, eof, greeting, text_columns,
};

use crate::{OLD, SEVERAL, connected, statements};

fn table(columns: &[&str], rows: &[&[&str]]) -> FakeStatement {
    FakeStatement::rows(1, columns, rows)
}

/// The names and the rows of what `sql` returns, values by their names.
async fn names_and_values(connection: &mut Connection, sql: &str) -> (Vec<String>, Vec<String>) {
    let mut rows = connection.query(sql, (1,)).await.unwrap();
    let names: Vec<String> = rows.columns().iter().map(|c| c.name().to_owned()).collect();
    let mut values = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        for name in &names {
            values.push(row.get::<String>(name.as_str()).unwrap());
        }
    }
    (names, values)
}

fn owned(names: &[&str], values: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    (owned(names), owned(values))
}

#[tokio::test]
async fn alter_table_between_executes_with_metadata_skip_on() {
    let server = FakeStatements::new();
    server.set(OLD, table(&["a"], &[&["1"]]));
    let (mut connection, _) = connected(&server).await;
    let steps: [(&[&str], &[&str]); 4] = [
        (&["a"], &["1"]),
        (&["a", "b"], &["1", "2"]),
        (&["b"], &["2"]),
        (&["c"], &["2"]),
    ];
    for (names, values) in steps {
        server.set(OLD, table(names, &[values]));
        for _ in 0..3 {
            let found = names_and_values(&mut connection, OLD).await;
            assert_eq!(found, owned(names, values));
        }
    }
    assert_eq!(server.prepares(), 1);
}

#[tokio::test]
async fn columns_told_only_by_an_execution_are_left_out_from_the_next_on() {
    let sql = "INSERT INTO t VALUES (?) RETURNING a, b";
    let server = FakeStatements::new();
    server.set(sql, table(&["a", "b"], &[&["1", "2"]]).told_late());
    let (mut connection, _) = connected(&server).await;
    for _ in 0..4 {
        let found = names_and_values(&mut connection, sql).await;
        assert_eq!(found, owned(&["a", "b"], &["1", "2"]));
    }
}

#[tokio::test]
async fn metadata_re_sent_by_an_execute_whose_reply_was_dropped_the_next_execute_decodes_by_the_new_columns()
 {
    for layers in [Layers::None, Layers::Compression] {
        let (first, second) = (table(&["a"], &[&["1"]]), table(&["x", "y"], &[&["8", "9"]]));
        for (before, after, expected) in [
            (&first, &second, owned(&["x", "y"], &["8", "9"])),
            (&second, &first, owned(&["a"], &["1"])),
        ] {
            for (known, finishes) in [(true, false), (false, false), (true, true)] {
                let polls = at_every_poll(async |polls| {
                    let server = FakeStatements::new();
                    server.set(OLD, before.clone());
                    let script = server.serve(Script::new());
                    let (mut connection, handle) =
                        layers.connect(script, &layers.config(), Cut::Whole).await;
                    if known {
                        connection.execute(OLD, (1,)).await.unwrap();
                    }
                    server.set(OLD, after.clone());
                    handle.set_cut(Cut::Every(1));
                    let done = poll_times(connection.execute(OLD, (1,)), polls)
                        .await
                        .is_some();
                    handle.set_cut(Cut::Whole);
                    if finishes {
                        // The rows of the dropped call are not for the next, whatever comes between.
                        server.set(OLD, before.clone());
                        names_and_values(&mut connection, OLD).await;
                        server.set(OLD, after.clone());
                    }
                    for _ in 0..2 {
                        assert_eq!(names_and_values(&mut connection, OLD).await, expected);
                    }
                    done
                })
                .await;
                assert!(polls > 50, "{polls}");
            }
        }
    }
}

#[tokio::test]
async fn a_reply_cut_at_every_byte_decodes_by_its_own_columns() {
    for byte in 0..400 {
        let server = FakeStatements::new();
        server.set(OLD, table(&["a"], &[&["1"]]));
        let (mut connection, handle) = connected(&server).await;
        handle.set_cut(Cut::Once(byte));
        names_and_values(&mut connection, OLD).await;
        server.set(OLD, table(&["x", "y"], &[&["8", "9"]]));
        handle.set_cut(Cut::Once(byte));
        let found = names_and_values(&mut connection, OLD).await;
        assert_eq!(found, owned(&["x", "y"], &["8", "9"]));
    }
}

#[tokio::test]
async fn further_results_have_columns_of_their_own_and_leave_those_of_the_first_alone() {
    let (mut connection, _) = connected(&statements()).await;
    for _ in 0..3 {
        let mut rows = connection.query(SEVERAL, (1,)).await.unwrap();
        assert_eq!(rows.columns()[0].name(), "old");
        assert!(rows.next_result_set().await.unwrap());
        assert_eq!(rows.columns()[0].name(), "older");
        let row = rows.next().await.unwrap().expect("a row");
        assert_eq!(row.get::<&str>("older").unwrap(), "older 1");
        assert!(rows.next_result_set().await.unwrap());
        assert!(rows.columns().is_empty());
        assert!(!rows.next_result_set().await.unwrap());
    }
}

/// What comes of an execution that is answered with `executed`, behind a prepare that has told
/// these columns.
async fn executed_with(told: &[&str], executed: Reply) -> Error {
    let script = Script::new()
        .on(
            &ComStmtPrepare::new(OLD),
            Reply::prepared(1, 1, &text_columns(told)),
        )
        .answer(move |payload| (payload[0] == 0x17).then(|| executed.clone()));
    let layers = Layers::None;
    let (mut connection, _) = layers.connect(script, &layers.config(), Cut::Whole).await;
    let error = async {
        let mut rows = connection.query(OLD, (1,)).await?;
        while rows.next_result_set().await? {}
        Ok::<_, Error>(())
    };
    let error = error.await.expect_err("the server lies");
    let reason = connection.close_reason();
    assert_eq!(reason, Some(CloseReason::InvalidPacket), "{error}");
    error
}

fn assert_left_out(error: &Error, columns: u64) {
    let told = matches!(
        error,
        Error::InvalidPacket(InvalidPacket::Field { packet: "column count packet", value, .. })
            if *value == columns
    );
    assert!(told, "{error:?}");
}

#[tokio::test]
async fn definitions_left_out_where_none_are_known_or_their_count_differs_are_an_invalid_packet() {
    let left_out = |names: &[&str]| Reply::new().head_of(&text_columns(names), false);
    let nothing = executed_with(&[], left_out(&["a"])).await;
    assert_left_out(&nothing, 1);
    let fewer = executed_with(&["a"], left_out(&["a", "b"])).await;
    assert_left_out(&fewer, 2);
    let more = executed_with(&["a", "b"], left_out(&["a"])).await;
    assert_left_out(&more, 1);
}

#[tokio::test]
async fn definitions_left_out_in_a_further_result_are_an_invalid_packet() {
    let more = ServerStatus::MORE_RESULTS_EXISTS;
    let columns = text_columns(&["a"]);
    let reply = Reply::new()
        .head_of(&columns, false)
        .binary_rows([["1"]])
        .rows_end(more)
        .head_of(&columns, false)
        .binary_rows([["1"]])
        .rows_end(ServerStatus::AUTOCOMMIT);
    assert_left_out(&executed_with(&["a"], reply).await, 1);
}

#[tokio::test]
async fn definitions_left_out_of_a_text_result_are_an_invalid_packet() {
    let head = Reply::new().head_of(&text_columns(&["a"]), false);
    let script = Script::new().on(&ComQuery::new("SELECT a"), head);
    let layers = Layers::None;
    let (mut connection, _) = layers.connect(script, &layers.config(), Cut::Whole).await;
    let error = connection.simple_query("SELECT a").await.unwrap_err();
    assert_left_out(&error, 1);
    let reason = connection.close_reason();
    assert_eq!(reason, Some(CloseReason::InvalidPacket));
}

/// A server that has not these capabilities, and answers the prepare and the execution of [`OLD`].
async fn without(
    capabilities: Capabilities,
    prepared: Reply,
    executed: Reply,
) -> (Connection, Capabilities) {
    let mut greeting = greeting();
    greeting.capabilities -= capabilities | Capabilities::COMPRESS;
    let script = Script::new()
        .greet(Reply::new().packet(&greeting))
        .on(&ComStmtPrepare::new(OLD), prepared)
        .answer(move |payload| (payload[0] == 0x17).then(|| executed.clone()));
    let pipe = protocol_tests::pipe::Pipe::new(script, Cut::Every(1));
    let connection = Connection::connect_over(pipe, &Layers::None.config())
        .await
        .unwrap();
    let negotiated = connection.capabilities();
    (connection, negotiated)
}

#[tokio::test]
async fn a_server_that_does_not_cache_metadata_always_tells_it() {
    // Its column count has no flag.
    let executed = text_columns(&["a", "b"])
        .iter()
        .fold(Reply::new().payload(vec![2]), |reply, column| {
            reply.packet(column)
        })
        .binary_rows([["1", "2"], ["3", "4"]])
        .rows_end(ServerStatus::AUTOCOMMIT);
    let prepared = Reply::prepared(1, 1, &text_columns(&["a", "b"]));
    let cache = Capabilities::MARIADB_CLIENT_CACHE_METADATA;
    assert!(CAPABILITIES.contains(cache));
    let (mut connection, negotiated) = without(cache, prepared, executed).await;
    assert!(!negotiated.contains(cache));
    for _ in 0..3 {
        let found = names_and_values(&mut connection, OLD).await;
        assert_eq!(found, owned(&["a", "b"], &["1", "2", "3", "4"]));
    }
}

#[tokio::test]
async fn a_server_that_does_not_deprecate_eof_ends_every_block_with_one() {
    let columns = text_columns(&["a", "b"]);
    let [a, b] = &columns[..] else {
        panic!("two columns")
    };
    let prepared = {
        // The count of columns stands in the PREPARE_OK, so that the blocks are written by hand.
        let ok = otaria_statement::ComStmtPrepareOk {
            statement: otaria_statement::StatementId(1),
            columns: 2,
            parameters: 1,
            warnings: 0,
        };
        let placeholder = otaria_codec::ColumnDefinition::new("?", otaria_codec::FieldType::Null);
        let reply = Reply::new().packet(&ok).packet(&placeholder).packet(&eof());
        reply.packet(a).packet(b).packet(&eof())
    };
    // The EOF behind definitions comes even where these are left out.
    let executed = Reply::new()
        .head_of(&columns, false)
        .packet(&eof())
        .binary_rows([["1", "2"], ["3", "4"]])
        .packet(&eof());
    let (mut connection, negotiated) =
        without(Capabilities::DEPRECATE_EOF, prepared, executed).await;
    assert!(!negotiated.contains(Capabilities::DEPRECATE_EOF));
    for _ in 0..3 {
        let found = names_and_values(&mut connection, OLD).await;
        assert_eq!(found, owned(&["a", "b"], &["1", "2", "3", "4"]));
        assert!(connection.is_idle());
    }
}
