//! Each type there and back.

mod random;

use std::sync::Arc;

use otaria::arrow::array::{
    Array, ArrayRef, BinaryArray, DictionaryArray, FixedSizeListArray, Int32Array, ListArray,
    RecordBatch, StringArray, UInt64Array,
};
use otaria::arrow::compute::concat_batches;
use otaria::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use otaria::{
    ArrowOptions, ColumnType, Connection, InsertArrow, InsertMode, InsertOptions, InsertWay,
    Nullability, QueryArrow, SetType,
};
use protocol_tests::chaos::seed;

use crate::{WAYS, reader, with_schema};
use random::Column;

/// Keys of the metadata.
const TYPE: &str = "MARIADB:type";
const LENGTH: &str = "MARIADB:length";
const EXTENSION: &str = "ARROW:extension:name";

/// What is in a table, in the order of its column `row`.
async fn content(connection: &mut Connection, table: &str, options: &ArrowOptions) -> RecordBatch {
    let sql = format!("SELECT * FROM {table} ORDER BY `row`");
    let mut batches = connection
        .query_arrow_with(&*sql, (), options)
        .await
        .unwrap();
    let mut all = Vec::new();
    while let Some(batch) = batches.next().await.unwrap() {
        all.push(batch);
    }
    concat_batches(&batches.schema(), &all).unwrap()
}

/// Columns of some batches, each with the number of its row in front.
fn batches(columns: &[Column], lengths: &[usize]) -> Vec<RecordBatch> {
    let mut fields = vec![Field::new("row", DataType::Int32, false)];
    fields.extend(columns.iter().map(|column| column.field.clone()));
    let schema = Arc::new(Schema::new(fields));
    let mut start = 0;
    let slices = lengths.iter().map(|length| {
        let rows = i32::try_from(start).unwrap()..i32::try_from(start + length).unwrap();
        let rows: ArrayRef = Arc::new(Int32Array::from_iter_values(rows));
        let first = start;
        start += length;
        let slices = columns
            .iter()
            .map(|column| column.written.slice(first, *length));
        RecordBatch::try_new(schema.clone(), [rows].into_iter().chain(slices).collect()).unwrap()
    });
    slices.collect()
}

#[tokio::test]
async fn random_batches_of_every_type_come_back_equal() {
    let seed = seed();
    for (round, way) in WAYS.into_iter().cycle().take(6).enumerate() {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(round as u64));
        let lengths: Vec<_> = (0..random.usize(1..4))
            .map(|_| random.usize(0..150))
            .collect();
        let columns = random::columns(&mut random, lengths.iter().sum());
        let (mut connection, _schema) = with_schema("random").await;
        connection
            .simple_execute("SET time_zone='+00:00'")
            .await
            .unwrap();
        let options = InsertOptions::from(InsertMode::Create).with_way(way);
        let written = batches(&columns, &lengths);
        connection
            .insert_arrow("t", reader(written), &options)
            .await
            .unwrap();
        let dimensions = Some(random::DIMENSIONS);
        let options = ArrowOptions::default()
            .with_tinyint1_as_bool(true)
            .with_column("vector", ColumnType::Vector { dimensions });
        let found = content(&mut connection, "t", &options).await;
        assert_eq!(found.num_columns(), columns.len() + 1);
        for (column, found) in columns.iter().zip(&found.columns()[1..]) {
            let name = column.field.name();
            assert!(found == &column.read, "{name} by {way:?}, round {round}");
        }
    }
}

#[tokio::test]
async fn all_bytes_come_back_from_columns_of_bytes_and_of_text() {
    for way in WAYS {
        for mode in [
            "",
            "NO_BACKSLASH_ESCAPES,ANSI_QUOTES",
            "PIPES_AS_CONCAT,IGNORE_SPACE",
        ] {
            let (mut connection, _schema) = with_schema("bytes").await;
            let sql = format!("SET sql_mode='{mode}'");
            connection.simple_execute(&sql).await.unwrap();
            let sql = "CREATE TABLE t (`row` INT, b BLOB, v VARBINARY(600), t TEXT, l VARCHAR(300) \
                       CHARACTER SET latin1)";
            connection.simple_execute(sql).await.unwrap();
            let all: Vec<u8> = (0..=255).collect();
            let twice: Vec<u8> = all.iter().flat_map(|byte| [*byte, *byte]).collect();
            // Cut characters in front of what ends a field, a line, or is behind a backslash.
            let cut: &[u8] = b"\xf0\x9f\x98\\\xc3\t\xe2\x82\n\xff\xfe\\N\xc3";
            let mut random = fastrand::Rng::with_seed(7);
            let random: Vec<u8> = (0..600).map(|_| random.u8(..)).collect();
            let bytes: [&[u8]; 5] = [&all, &twice, cut, &random, b"\\N"];
            let text: String = (0..0x100).filter_map(char::from_u32).collect();
            let long = format!("{text}\\N\t\u{10ffff}😀");
            let texts = [&*long, "\\N", "NULL", "", "\\"];
            let latin = [&text, "\\N", "NULL", "", "\\"];
            let columns: [(&str, ArrayRef); 5] = [
                ("row", Arc::new(Int32Array::from_iter_values(0..5))),
                ("b", Arc::new(BinaryArray::from_vec(bytes.to_vec()))),
                ("v", Arc::new(BinaryArray::from_vec(bytes.to_vec()))),
                ("t", Arc::new(StringArray::from(texts.to_vec()))),
                ("l", Arc::new(StringArray::from(latin.map(latin1).to_vec()))),
            ];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let options = InsertOptions::new().with_way(way);
            connection
                .insert_arrow("t", reader([batch.clone()]), &options)
                .await
                .unwrap();
            let found = content(&mut connection, "t", &ArrowOptions::default()).await;
            for (found, written) in found.columns().iter().zip(batch.columns()) {
                assert_eq!(found, written, "{way:?} in '{mode}'");
            }
        }
    }
}

/// Without the characters that the server's latin1 has others for.
fn latin1(text: &str) -> String {
    text.chars()
        .filter(|character| !('\u{80}'..='\u{9f}').contains(character))
        .collect()
}

#[tokio::test]
async fn what_a_server_s_types_make_of_arrow_s() {
    for way in WAYS {
        let (mut connection, schema) = with_schema("columns").await;
        let sql = "CREATE TABLE t (`row` INT, e ENUM('a','b'), s SET('a','b','c'), b BIT(20), \
                   i INET6, n INT, u BINARY(16))";
        connection.simple_execute(sql).await.unwrap();
        let item = Field::new_list_field(DataType::Utf8, true);
        let members = StringArray::from(vec!["c", "a"]);
        let offsets = otaria::arrow::buffer::OffsetBuffer::from_lengths([2, 0]);
        let sets = ListArray::new(Arc::new(item), offsets, Arc::new(members), None);
        let labels: DictionaryArray<Int32Type> = ["b", "a"].into_iter().collect();
        let columns: [(&str, ArrayRef); 6] = [
            ("row", Arc::new(Int32Array::from(vec![1, 2]))),
            ("e", Arc::new(labels)),
            ("s", Arc::new(sets)),
            ("b", Arc::new(UInt64Array::from(vec![0xf_ffff, 49]))),
            ("i", Arc::new(StringArray::from(vec!["2001:db8::1", "::"]))),
            (
                "n",
                Arc::new(otaria::arrow::array::Float64Array::from(vec![
                    Some(-3.0),
                    None,
                ])),
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.map(|(name, array)| (name, array, true)),
        )
        .unwrap();
        let options = InsertOptions::new().with_way(way);
        connection
            .insert_arrow("t", reader([batch]), &options)
            .await
            .unwrap();
        let sql = "SELECT `row`, e, s, b + 0, i, n, u FROM t ORDER BY `row`";
        let expected = "1\tb\ta,c\t1048575\t2001:db8::1\t-3\tNULL\n2\ta\t\t49\t::\tNULL\tNULL\n";
        assert_eq!(schema.sql(sql).unwrap(), expected, "{way:?}");
        let lists = ArrowOptions::default().with_set_type(SetType::List);
        let found = content(&mut connection, "t", &lists).await;
        assert_eq!(found.num_rows(), 2);
    }
}

#[tokio::test]
async fn embeddings_go_into_vectors() {
    let (mut connection, schema) = with_schema("vectors").await;
    let version = connection.server_version().unwrap();
    let has_vectors = (version.major, version.minor) >= (11, 7);
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let floats: Vec<f32> = (0..384 * 100_u16)
        .map(|n| f32::from(n) / 7.0 - 100.0)
        .collect();
    let floats = Arc::new(otaria::arrow::array::Float32Array::from(floats));
    let vectors = FixedSizeListArray::new(item, 384, floats, None);
    let written = RecordBatch::try_from_iter([
        (
            "row",
            Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef,
        ),
        ("vector", Arc::new(vectors)),
    ])
    .unwrap();
    for way in WAYS {
        let options = InsertOptions::from(InsertMode::Create).with_way(way);
        let inserted = connection.insert_arrow("t", reader([written.clone()]), &options);
        assert_eq!(inserted.await.unwrap().rows, 100);
        let made = schema.sql("SHOW COLUMNS FROM t LIKE 'vector'").unwrap();
        let expected = if has_vectors {
            "vector\tvector(384)\tNO"
        } else {
            "vector\tblob\tNO"
        };
        assert!(made.starts_with(expected), "{made}");
        let dimensions = Some(384);
        let options =
            ArrowOptions::default().with_column("vector", ColumnType::Vector { dimensions });
        let found = content(&mut connection, "t", &options).await;
        let (found, written) = (found.column(1).as_any(), written.column(1).as_any());
        let [found, written] = [found, written].map(|array| {
            array
                .downcast_ref::<FixedSizeListArray>()
                .unwrap()
                .values()
                .clone()
        });
        assert_eq!(&found, &written);
        connection.simple_execute("DROP TABLE t").await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_without_columns_is_refused() {
    let (mut connection, schema) = with_schema("no_columns").await;
    let empty = RecordBatch::new_empty(Arc::new(Schema::empty()));
    for mode in [InsertMode::Append, InsertMode::Create] {
        let error = connection
            .insert_arrow("t", reader([empty.clone()]), mode)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("written"), "{error}");
    }
    assert_eq!(schema.sql("SHOW TABLES").unwrap(), "");
}

#[tokio::test]
async fn a_table_takes_back_what_was_read_from_one() {
    let (mut connection, schema) = with_schema("again").await;
    let columns = "`row` INT UNSIGNED NOT NULL, m MEDIUMINT, y YEAR, b BIT(9), c CHAR(3), \
                   v VARCHAR(70) NOT NULL, bi BINARY(4), vb VARBINARY(90), d DECIMAL(50,7), \
                   t TIME(2), dt DATETIME(4), ts TIMESTAMP(1) NULL, j JSON, u UUID, i INET6, p POINT";
    connection
        .simple_execute(&format!("CREATE TABLE old ({columns})"))
        .await
        .unwrap();
    let sql = "INSERT INTO old VALUES (1, -8388608, 2155, b'101', 'ä', 'x', 'ab', 'cd', -1.5, \
               '-838:59:59.99', '9999-12-31 23:59:59.9999', '2038-01-19 03:14:07.9', '{\"a\":1}', \
               '123e4567-e89b-12d3-a456-426655440000', '::1', ST_GeomFromText('POINT(1 2)', 4326)), \
               (2, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
    connection
        .simple_execute("SET time_zone='+00:00'")
        .await
        .unwrap();
    connection.simple_execute(sql).await.unwrap();
    // What is NOT NULL stays so where the table is told of it.
    let options = ArrowOptions::default().with_nullability(Nullability::Declared);
    let read = content(&mut connection, "old", &options).await;
    for way in [InsertWay::Bulk, InsertWay::LoadData] {
        let create = InsertOptions::from(InsertMode::Create).with_way(way);
        connection
            .insert_arrow("new", reader([read.clone()]), create)
            .await
            .unwrap();
        let again = content(&mut connection, "new", &options).await;
        assert_eq!(again, read);
        // CHECKSUM TABLE would compare the values; the types are in the metadata of `again`.
        let types = |table: &str| {
            let sql = format!(
                "SELECT GROUP_CONCAT(COLUMN_TYPE, IS_NULLABLE ORDER BY ORDINAL_POSITION) FROM \
                 information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}'"
            );
            schema.sql(&sql).unwrap()
        };
        assert_eq!(types("new"), types("old"));
        connection.simple_execute("DROP TABLE new").await.unwrap();
    }
}
