//! Rows and responses that are not what they claim to be, and those that end early.

use std::sync::{Arc, Mutex};

use otaria::{CloseReason, Connection, Date, DateTime, Decimal, Error, Time};
use otaria_binary::{BinaryCell, BinaryRowPacket};
use otaria_codec::{ColumnDefinition, FieldType, OkPacket, ServerStatus};
use otaria_statement::ComStmtPrepare;
use protocol_tests::pipe::Cut;
use protocol_tests::script::{FakeStatement, FakeStatements, Layers, Reply, Script, text_columns};

use crate::{OLD, connected, next_query_is_whole, statements};

/// A connection to a server that answers the execution of [`OLD`] with `executed` behind the head of
/// these columns.
async fn answering(columns: &[ColumnDefinition], executed: Reply) -> Connection {
    let prepared = Reply::prepared(1000, 1, columns);
    let executed = Reply::new().head_of(columns, false).followed_by(&executed);
    let is_old = |payload: &[u8]| payload[0] == 0x17 && payload[1..5] == [0xff; 4];
    let mut answered = false;
    let script = Script::new()
        .on(&ComStmtPrepare::new(OLD), prepared)
        .answer(move |payload| {
            let first = is_old(payload) && !std::mem::replace(&mut answered, true);
            first.then(|| executed.clone())
        });
    let layers = Layers::None;
    let script = statements().serve(script);
    layers.connect(script, &layers.config(), Cut::Whole).await.0
}

#[tokio::test]
async fn err_in_the_middle_of_binary_rows_ends_the_response() {
    let rows = Reply::new()
        .binary_rows([["1"], ["2"]])
        .followed_by(&Reply::err(1365, *b"22012", "Division by 0"));
    let mut connection = answering(&text_columns(&["a"]), rows).await;
    let mut rows = connection.query(OLD, (1,)).await.unwrap();
    for expected in ["1", "2"] {
        let row = rows.next().await.unwrap().expect("a row");
        assert_eq!(row.get::<&str>(0).unwrap(), expected);
    }
    let error = rows.next().await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1365));
    assert!(rows.next().await.unwrap().is_none());
    assert!(!rows.next_result_set().await.unwrap());
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn err_as_second_result_of_a_multi_result_ends_the_statement() {
    let results = Reply::new()
        .binary_rows([["1"]])
        .rows_end(ServerStatus::MORE_RESULTS_EXISTS)
        .followed_by(&Reply::err(1644, *b"45000", "late"));
    for dropped in [false, true] {
        let mut connection = answering(&text_columns(&["a"]), results.clone()).await;
        let rows = connection.query(OLD, (1,)).await.unwrap();
        if dropped {
            drop(rows);
        } else {
            let error = rows.collect::<(String,)>().await.unwrap_err();
            assert!(matches!(error, Error::Server(error) if error.code() == 1644));
        }
        next_query_is_whole(&mut connection).await;
    }
}

/// What becomes of one row of two columns, an INT and a VARCHAR, with this payload.
async fn row_of(payload: &[u8]) -> Result<(), Error> {
    let columns = [
        ColumnDefinition::new("i", FieldType::Long),
        ColumnDefinition::new("s", FieldType::VarString).with_collation(45),
    ];
    let reply = Reply::new()
        .payload(payload.to_vec())
        .rows_end(ServerStatus::AUTOCOMMIT);
    for by_index in [false, true] {
        let mut connection = answering(&columns, reply.clone()).await;
        let mut rows = connection.query(OLD, (1,)).await.unwrap();
        let row = rows.next().await?.expect("a row");
        let read = if by_index {
            let number = row.get::<Option<i32>>(0).map(drop);
            number.and(row.get::<Option<&str>>(1).map(drop))
        } else {
            row.read::<(Option<i32>, Option<&str>)>().map(drop)
        };
        // Where the row ends is known whatever is in it.
        next_query_is_whole(&mut connection).await;
        read?;
    }
    Ok(())
}

#[tokio::test]
async fn a_binary_row_cut_anywhere_is_an_invalid_row() {
    let row = b"\x00\x00\x07\0\0\0\x02ab";
    row_of(row).await.unwrap();
    row_of(b"\x00\x0c").await.unwrap();
    // From a row without its NULL bitmap on.
    for end in 1..row.len() {
        let error = row_of(&row[..end]).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRow(_)), "{end}: {error:?}");
        let text = error.to_string();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let told = format!("{text} {}", cause.unwrap_or_default());
        assert!(told.contains("row"), "{told}");
    }
}

#[tokio::test]
async fn a_binary_row_that_begins_with_another_byte_is_an_invalid_row() {
    for first in [0x01, 0x02, 0x7f, 0xfb, 0xfc] {
        let row = [&[first], b"\x00\x07\0\0\0\x02ab".as_slice()].concat();
        let error = row_of(&row).await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidRow(_)),
            "{first:#x}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_empty_packet_among_binary_rows_closes_the_connection() {
    let columns = text_columns(&["a"]);
    let mut connection = answering(&columns, Reply::new().payload(Vec::new())).await;
    let mut rows = connection.query(OLD, (1,)).await.unwrap();
    let error = rows.next().await.unwrap_err();
    assert!(matches!(error, Error::InvalidPacket(_)), "{error:?}");
    let reason = connection.close_reason();
    assert_eq!(reason, Some(CloseReason::InvalidPacket));
}

#[tokio::test]
async fn progress_reports_in_front_of_a_prepare_and_of_its_execution_are_told() {
    const REPORT: &[u8] = b"\xff\xff\xff\x01\x01\x02\x10\x27\x00\x03abc";
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let config = Layers::None.config().to_builder();
    let config = config.on_progress(move |progress| {
        telling.lock().unwrap().push(progress.stage);
    });
    let config = config.build().unwrap();
    let columns = text_columns(&["a"]);
    let report = || Reply::new().payload(REPORT.to_vec());
    let prepared = report().followed_by(&Reply::prepared(1, 1, &columns));
    let executed = report()
        .head_of(&columns, false)
        .binary_rows([["1"]])
        .payload(REPORT.to_vec())
        .binary_rows([["2"]])
        .rows_end(ServerStatus::AUTOCOMMIT);
    let script = Script::new()
        .on(&ComStmtPrepare::new(OLD), prepared)
        .answer(move |payload| (payload[0] == 0x17).then(|| executed.clone()));
    let (mut connection, _) = Layers::None.connect(script, &config, Cut::Every(1)).await;
    let rows: Vec<(String,)> = connection.query_all(OLD, (1,)).await.unwrap();
    assert_eq!(rows, [("1".to_owned(),), ("2".to_owned(),)]);
    assert_eq!(*told.lock().unwrap(), [1, 1, 1]);
}

#[tokio::test]
async fn progress_in_front_of_a_refused_prepare_and_of_its_execution_hides_no_error() {
    const REPORT: &[u8] = b"\xff\xff\xff\x01\x01\x02\x10\x27\x00\x03abc";
    let config = Layers::None.config().to_builder().on_progress(|_| ());
    let config = config.build().unwrap();
    let report = || Reply::new().payload(REPORT.to_vec());
    let refused = report().followed_by(&Reply::err(1064, *b"42000", "syntax"));
    let executed = report().followed_by(&protocol_tests::script::unknown_statement());
    let script = Script::new()
        .on(&ComStmtPrepare::new(OLD), refused)
        .answer(move |payload| (payload[0] == 0x17).then(|| executed.clone()));
    let (mut connection, _) = Layers::None.connect(script, &config, Cut::Every(1)).await;
    for _ in 0..2 {
        let error = connection.execute(OLD, (1,)).await.unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.code() == 1064));
        assert!(connection.is_idle());
    }
}

#[tokio::test]
async fn every_shape_of_binary_value_comes_through_a_connection() {
    let types = [
        FieldType::Tiny,
        FieldType::Short,
        FieldType::Int24,
        FieldType::Long,
        FieldType::LongLong,
        FieldType::Float,
        FieldType::Double,
        FieldType::NewDecimal,
        FieldType::Date,
        FieldType::DateTime,
        FieldType::Time,
        FieldType::Bit,
    ];
    let columns = types.map(|field_type| ColumnDefinition::new("c", field_type));
    let decimal: Decimal = "-15.50".parse().unwrap();
    let date = Date::new(2024, 0, 0).unwrap();
    let datetime: DateTime = "2024-02-29 01:02:03.000001".parse().unwrap();
    let time: Time = "-838:59:59.999999".parse().unwrap();
    let row = BinaryRowPacket::of([-1_i8])
        .with(-2_i16)
        .with(-8_388_608_i32)
        .with(i32::MIN)
        .with(i64::MIN)
        .with(1.5_f32)
        .with(-2.5_f64)
        .with(decimal)
        .with(date)
        .with(datetime)
        .with(time)
        .with(b"\x01\x00".as_slice());
    let nulls = BinaryRowPacket::of([BinaryCell::NULL; 12]);
    let reply = Reply::new().packet(&row).packet(&nulls).packet(&OkPacket {
        ends_result_set: true,
        ..OkPacket::default()
    });
    let mut connection = answering(&columns, reply).await;
    let mut rows = connection.query(OLD, (1,)).await.unwrap();
    let row = rows.next().await.unwrap().expect("a row");
    let integers: [i64; 5] = [0, 1, 2, 3, 4].map(|index| row.get(index).unwrap());
    assert_eq!(integers, [-1, -2, -8_388_608, i32::MIN.into(), i64::MIN]);
    assert!((row.get::<f32>(5).unwrap() - 1.5).abs() < f32::EPSILON);
    assert!((row.get::<f64>(6).unwrap() + 2.5).abs() < f64::EPSILON);
    assert_eq!(row.get::<Decimal>(7).unwrap(), decimal);
    assert_eq!(row.get::<Date>(8).unwrap(), date);
    assert_eq!(row.get::<DateTime>(9).unwrap(), datetime);
    assert_eq!(row.get::<Time>(10).unwrap(), time);
    assert_eq!(row.get::<u16>(11).unwrap(), 256);
    let row = rows.next().await.unwrap().expect("a row of NULL");
    for index in 0..12 {
        assert_eq!(row.get::<Option<String>>(index).unwrap(), None);
    }
    rows.finish().await.unwrap();
}

#[tokio::test]
async fn the_only_row_of_a_response_is_whole_however_long_it_is() {
    for length in [1, 16 * 1024, 1024 * 1024, 3 * 1024 * 1024] {
        let long = "x".repeat(length);
        let server = FakeStatements::new();
        server.set(OLD, FakeStatement::rows(1, &["a"], &[&[&long]]));
        let (mut connection, _) = connected(&server).await;
        for _ in 0..4 {
            let (value,): (String,) = connection.query_one(OLD, (1,)).await.unwrap();
            assert!(value == long, "{} of {length} bytes", value.len());
        }
    }
}
