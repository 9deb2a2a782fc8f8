use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::types::{Float16Type, Int8Type, UInt64Type};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BinaryViewArray, BooleanArray, Date32Array,
    Date64Array, Decimal32Array, Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray,
    DurationNanosecondArray, DurationSecondArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float16Array, Float32Array, Float64Array, Int8Array, Int64Array, IntervalYearMonthArray,
    LargeBinaryArray, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray,
    StringViewArray, StructArray, Time32SecondArray, Time64NanosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, i256};
use otaria_types::SessionTimeZone;

use super::*;
use crate::metadata;

fn batch_of(field: Field, array: ArrayRef) -> RecordBatch {
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

/// A batch of one column, which may have this extension.
fn batch(array: ArrayRef, extension: Option<(&str, &str)>) -> RecordBatch {
    let mut field = Field::new("a", array.data_type().clone(), true);
    if let Some((name, parameters)) = extension {
        field.set_metadata(HashMap::from([
            (metadata::EXTENSION_NAME.to_owned(), name.to_owned()),
            (
                metadata::EXTENSION_METADATA.to_owned(),
                parameters.to_owned(),
            ),
        ]));
    }
    batch_of(field, array)
}

/// The lines of a column, for a table whose column has this type.
fn lines_for(batch: &RecordBatch, sql_type: Option<&str>) -> Result<Vec<String>, WriteError> {
    let table = sql_type.map(|sql_type| [TableColumn::new("a", sql_type, "", "")]);
    let table = table.as_ref().map(<[_; 1]>::as_slice);
    let plan = WritePlan::try_new(&batch.schema(), table, &WriteOptions::default())?;
    let rows = Arc::new(plan.rows(batch, 10)?);
    let mut text = LoadDataText::new(&plan);
    let zone = SessionTimeZone::Offset { seconds: 3600 };
    text.set_time_zone(zone);
    for row in 0..rows.len() {
        if let Err(error) = text.push(&rows, row) {
            // As parameters they are refused for the same reason.
            let refusal = rows.refusal(row, 0, zone).unwrap();
            assert_eq!(refusal.to_string(), error.to_string());
            return Err(error);
        }
        assert!(rows.refusal(row, 0, zone).is_none());
    }
    let text = String::from_utf8_lossy(text.as_bytes());
    Ok(text.lines().map(Into::into).collect())
}

#[track_caller]
fn lines(array: impl Array + 'static) -> Vec<String> {
    lines_for(&batch(Arc::new(array), None), None).unwrap()
}

#[track_caller]
fn refusal(array: impl Array + 'static, sql_type: Option<&str>) -> CellRefusal {
    match lines_for(&batch(Arc::new(array), None), sql_type) {
        Err(WriteError::Cell { reason, column, .. }) => {
            assert_eq!((column.index(), column.name()), (0, "a"));
            reason
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn numbers_are_written_exactly() {
    assert_eq!(lines(NullArray::new(2)), ["\\N", "\\N"]);
    assert_eq!(
        lines(BooleanArray::from(vec![Some(true), Some(false), None])),
        ["1", "0", "\\N"]
    );
    assert_eq!(
        lines(Int8Array::from(vec![i8::MIN, 0, i8::MAX])),
        ["-128", "0", "127"]
    );
    let longs = Int64Array::from(vec![i64::MIN, i64::MAX]);
    assert_eq!(lines(longs), [i64::MIN.to_string(), i64::MAX.to_string()]);
    assert_eq!(
        lines(UInt64Array::from(vec![u64::MAX])),
        [u64::MAX.to_string()]
    );
    let half = <Float16Type as ArrowPrimitiveType>::Native::from_f32(-1.5);
    assert_eq!(lines(Float16Array::from(vec![half])), ["-1.5"]);
    assert_eq!(lines(Float32Array::from(vec![0.5])), ["0.5"]);
    assert_eq!(
        lines(Float64Array::from(vec![1e300, -0.1])),
        ["1e300", "-0.1"]
    );
}

#[test]
fn decimals_of_every_width_and_scale_are_exact() {
    let decimals = Decimal32Array::from(vec![-5])
        .with_precision_and_scale(9, 2)
        .unwrap();
    assert_eq!(lines(decimals), ["-0.05"]);
    let decimals = Decimal64Array::from(vec![12])
        .with_precision_and_scale(18, -3)
        .unwrap();
    assert_eq!(lines(decimals), ["12000"]);
    let most = 10_i128.pow(38) - 1;
    let decimals = Decimal128Array::from(vec![most, -most]);
    let decimals = decimals.with_precision_and_scale(38, 38).unwrap();
    let nines = "9".repeat(38);
    assert_eq!(
        lines(decimals),
        [format!("0.{nines}"), format!("-0.{nines}")]
    );
    let long = i256::from_string(&"9".repeat(65)).unwrap();
    for (scale, expected) in [
        (0, "9".repeat(65)),
        (30, format!("{}.{}", "9".repeat(35), "9".repeat(30))),
    ] {
        let decimals = Decimal256Array::from(vec![long]);
        let decimals = decimals.with_precision_and_scale(65, scale).unwrap();
        assert_eq!(lines(decimals), [expected]);
    }
    let small = Decimal256Array::from(vec![i256::from_i128(-7)]);
    let small = small.with_precision_and_scale(76, 38).unwrap();
    assert_eq!(lines(small), [format!("-0.{}7", "0".repeat(37))]);
}

#[test]
fn decimals_beyond_a_decimal_are_refused() {
    let longer = i256::from_string(&"9".repeat(66)).unwrap();
    let longer = Decimal256Array::from(vec![longer])
        .with_precision_and_scale(76, 0)
        .unwrap();
    assert_eq!(refusal(longer, None), CellRefusal::Digits);
    let finer = Decimal256Array::from(vec![i256::from_i128(1)]);
    let finer = finer.with_precision_and_scale(76, 39).unwrap();
    assert_eq!(refusal(finer, None), CellRefusal::Digits);
}

#[test]
fn dates_and_times_are_those_of_the_unit_and_the_zone() {
    assert_eq!(
        lines(Date32Array::from(vec![-719_528, 2_932_896])),
        ["0000-01-01", "9999-12-31"]
    );
    assert_eq!(lines(Date64Array::from(vec![-86_400_000])), ["1969-12-31"]);
    assert_eq!(
        refusal(Date64Array::from(vec![1]), None),
        CellRefusal::PartOfDay
    );
    assert_eq!(
        refusal(Date32Array::from(vec![i32::MAX]), None),
        CellRefusal::Date
    );
    let naive = TimestampMillisecondArray::from(vec![1]);
    assert_eq!(lines(naive.clone()), ["1970-01-01 00:00:00.001000"]);
    // The session's clocks are an hour ahead, whatever the array's zone is shown in.
    let instants = naive.with_timezone("America/New_York");
    assert_eq!(lines(instants), ["1970-01-01 01:00:00.001000"]);
    assert_eq!(lines(Time32SecondArray::from(vec![86_399])), ["23:59:59"]);
    assert_eq!(
        lines(Time64NanosecondArray::from(vec![1000])),
        ["00:00:00.000001"]
    );
    assert_eq!(
        lines(DurationSecondArray::from(vec![-3_020_399])),
        ["-838:59:59"]
    );
    assert_eq!(
        refusal(DurationSecondArray::from(vec![3_020_400]), None),
        CellRefusal::Time
    );
    let decimals = |decimals| CellRefusal::SecondDigits { decimals };
    assert_eq!(
        refusal(DurationNanosecondArray::from(vec![1]), None),
        decimals(6)
    );
    let nanos = || TimestampNanosecondArray::from(vec![1000]);
    assert_eq!(refusal(nanos(), Some("datetime")), decimals(0));
    assert_eq!(refusal(nanos(), Some("timestamp(5)")), decimals(5));
    // Text takes all digits.
    let text = lines_for(&batch(Arc::new(nanos()), None), Some("varchar(30)")).unwrap();
    assert_eq!(text, ["1970-01-01 00:00:00.000001"]);
}

#[test]
fn text_and_bytes_come_from_every_layout() {
    let long = "longer than what a view holds itself";
    let values = vec![Some("a"), None, Some(long)];
    let expected = ["a", "\\N", long];
    assert_eq!(lines(StringArray::from(values.clone())), expected);
    assert_eq!(lines(LargeStringArray::from(values.clone())), expected);
    assert_eq!(lines(StringViewArray::from(values)), expected);
    let values: Vec<Option<&[u8]>> = vec![Some(b"a"), None, Some(long.as_bytes())];
    assert_eq!(lines(BinaryArray::from(values.clone())), expected);
    assert_eq!(lines(LargeBinaryArray::from(values.clone())), expected);
    assert_eq!(lines(BinaryViewArray::from(values)), expected);
    let fixed = vec![Some(b"ab".as_slice()), None];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed.into_iter(), 2);
    assert_eq!(lines(fixed.unwrap()), ["ab", "\\N"]);
}

#[test]
fn a_slice_begins_where_it_does() {
    let sliced = StringArray::from(vec![Some("a"), None, Some("c"), Some("d")]).slice(1, 2);
    assert_eq!(lines(sliced), ["\\N", "c"]);
    let bools = BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]).slice(1, 3);
    assert_eq!(lines(bools), ["\\N", "0", "1"]);
    let numbers = Int64Array::from(vec![Some(1), None, Some(3)]).slice(1, 2);
    assert_eq!(lines(numbers), ["\\N", "3"]);
    let vectors = vectors(&[1.0, 2.0, 3.0, 4.0], None).slice(1, 1);
    assert_eq!(lines(vectors), ["0000404000008040"]);
    let sets = sets(&["a", "b", "c"], &[1, 0, 2]).slice(1, 2);
    assert_eq!(lines(sets), ["", "b,c"]);
    let keys: DictionaryArray<Int8Type> = ["a", "b", "a"].into_iter().collect();
    assert_eq!(lines(keys.slice(1, 2)), ["b", "a"]);
}

#[test]
fn a_dictionary_is_its_values_and_null_where_these_are() {
    let keys = Int8Array::from(vec![Some(1), None, Some(0), Some(2)]);
    let values = StringArray::from(vec![Some("x"), Some("y"), None]);
    let array = DictionaryArray::new(keys, Arc::new(values));
    assert_eq!(lines(array), ["y", "\\N", "x", "\\N"]);
    let keys = Int8Array::from(vec![None, None]);
    let none = DictionaryArray::new(keys, Arc::new(StringArray::from(Vec::<&str>::new())));
    assert_eq!(lines(none), ["\\N", "\\N"]);
    let numbers = DictionaryArray::new(
        Int8Array::from(vec![0]),
        Arc::new(Int64Array::from(vec![7])),
    );
    assert_eq!(lines(numbers), ["7"]);
}

fn vectors(values: &[f32], nulls: Option<NullBuffer>) -> FixedSizeListArray {
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let values = Arc::new(Float32Array::from(values.to_vec()));
    FixedSizeListArray::new(item, 2, values, nulls)
}

fn sets(members: &[&str], lengths: &[usize]) -> ListArray {
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    ListArray::new(
        item,
        offsets,
        Arc::new(StringArray::from(members.to_vec())),
        None,
    )
}

#[test]
fn lists_are_vectors_and_sets() {
    let nulls = NullBuffer::from(vec![true, false]);
    let array = vectors(&[1.0, -0.5, f32::NAN, 0.0], Some(nulls));
    assert_eq!(lines(array), ["0000803F000000BF", "\\N"]);
    assert_eq!(
        refusal(vectors(&[1.0, f32::NAN], None), None),
        CellRefusal::NotFinite
    );
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let values = Arc::new(Float32Array::from(vec![Some(1.0), None]));
    let holes = FixedSizeListArray::new(item.clone(), 2, values, None);
    assert_eq!(refusal(holes, None), CellRefusal::NullElement);
    let lists = ListArray::new(
        item,
        OffsetBuffer::from_lengths([1]),
        Arc::new(Float32Array::from(vec![1.0])),
        None,
    );
    assert_eq!(lines(lists), ["0000803F"]);
    assert_eq!(lines(sets(&["a", "b"], &[2, 0])), ["a,b", ""]);
    assert_eq!(refusal(sets(&["a,b"], &[1]), None), CellRefusal::Member);
    assert_eq!(refusal(sets(&[""], &[1]), None), CellRefusal::Member);
}

#[test]
fn extensions_are_written_as_the_table_s_column_wants_them() {
    let bytes: Vec<u8> = (0..16).collect();
    let uuids = FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap();
    let uuids = batch(Arc::new(uuids), Some(("arrow.uuid", "")));
    let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    for sql_type in [None, Some("uuid"), Some("char(36)")] {
        assert_eq!(lines_for(&uuids, sql_type).unwrap(), [text]);
    }
    let raw = lines_for(&uuids, Some("binary(16)")).unwrap().join("\n");
    assert_eq!(raw.replace('\\', "").len(), 16);

    let point = BinaryArray::from(vec![b"\x01\x01\0\0\0AAAAAAAABBBBBBBB".as_slice()]);
    let crs = r#"{"crs":"258","crs_type":"srid"}"#;
    let points = batch(Arc::new(point), Some(("geoarrow.wkb", crs)));
    let wkb = "\x01\x01\0\0\0AAAAAAAABBBBBBBB";
    let with_srid = format!("\x02\x01\0\0{wkb}");
    assert_eq!(lines_for(&points, Some("point")).unwrap(), [with_srid]);
    assert_eq!(lines_for(&points, Some("blob")).unwrap(), [wkb]);
    let short = batch(
        Arc::new(BinaryArray::from(vec![b"\x01".as_slice()])),
        Some(("geoarrow.wkb", "")),
    );
    assert!(matches!(
        lines_for(&short, None),
        Err(WriteError::Cell {
            row: 10,
            reason: CellRefusal::Wkb,
            ..
        })
    ));
    let local = batch(
        Arc::new(BinaryArray::from(Vec::<&[u8]>::new())),
        Some(("geoarrow.wkb", r#"{"crs":"local"}"#)),
    );
    assert!(matches!(
        lines_for(&local, None),
        Err(WriteError::Column {
            reason: ColumnRefusal::Crs,
            ..
        })
    ));
}

#[test]
fn numbers_for_a_bit_column_are_its_bits() {
    let array = batch(Arc::new(UInt64Array::from(vec![5])), None);
    let table = [TableColumn::new("a", "bit(3)", "", "")];
    let plan = WritePlan::try_new(&array.schema(), Some(&table), &WriteOptions::default()).unwrap();
    let sql = plan.load_data(&"t".parse().unwrap(), LoadDuplicates::Skip);
    assert!(
        sql.ends_with("SET `a`=CAST(@`otaria 0` AS UNSIGNED)"),
        "{sql}"
    );
    assert_eq!(
        refusal(Float64Array::from(vec![0.5]), Some("bit(3)")),
        CellRefusal::Fraction
    );
}

#[test]
fn types_that_the_server_lacks_are_refused_by_name() {
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let pair = Arc::new(Field::new("x", DataType::Int64, true));
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let arrays: [ArrayRef; 3] = [
        Arc::new(StructArray::from(vec![(pair, ints.clone())])),
        Arc::new(ListArray::new(
            item,
            OffsetBuffer::from_lengths([1]),
            ints,
            None,
        )),
        Arc::new(IntervalYearMonthArray::from(vec![1])),
    ];
    for array in arrays {
        let error = lines_for(&batch(array, None), None).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.starts_with("column 0 `a` (") && shown.contains("cast the column"),
            "{shown}"
        );
        assert!(matches!(
            error,
            WriteError::Column {
                reason: ColumnRefusal::Type,
                ..
            }
        ));
    }
    let empty = Schema::empty();
    let error = WritePlan::try_new(&empty, None, &WriteOptions::default());
    assert!(matches!(error, Err(WriteError::NoColumns)));
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let plan = batch(Arc::new(Int64Array::from(vec![1])), None);
    let plan = WritePlan::try_new(&plan.schema(), None, &WriteOptions::default()).unwrap();
    let other = batch(Arc::new(UInt64Array::from(vec![1])), None);
    assert!(matches!(
        plan.rows(&other, 5),
        Err(WriteError::Schema { row: 5 })
    ));
    // Metadata and nullability do not matter.
    let field = Field::new("a", DataType::Int64, false);
    let same = batch_of(field, Arc::new(Int64Array::from(vec![1])));
    assert!(plan.rows(&same, 5).is_ok());
}

#[test]
fn an_error_and_debug_show_no_value() {
    let secret = Float64Array::from(vec![f64::INFINITY]);
    let batch = batch(Arc::new(secret), None);
    let error = lines_for(&batch, None).unwrap_err().to_string();
    assert!(
        error.starts_with("row 11, column 0 `a` (Float64): the number is not finite"),
        "{error}"
    );
    let plan = WritePlan::try_new(&batch.schema(), None, &WriteOptions::default()).unwrap();
    let rows = plan.rows(&batch, 0).unwrap();
    assert_eq!(format!("{rows:?}"), "BatchRows(1 rows, 1 columns)");
    assert_eq!(
        format!("{:?}", LoadDataText::new(&plan)),
        "LoadDataText(0 bytes)"
    );
}

/// The type that a column gets in a new table.
fn sql_type(data_type: DataType, metadata: &[(&str, &str)], create: &CreateTable) -> String {
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let field = Field::new("a", data_type, true).with_metadata(metadata.collect::<HashMap<_, _>>());
    let sql = create
        .sql(&"t".parse().unwrap(), &Schema::new(vec![field]))
        .unwrap();
    let sql_type = sql.strip_prefix("CREATE TABLE `t` (`a` ").unwrap();
    let sql_type = sql_type.strip_suffix(" NULL) CHARACTER SET utf8mb4");
    sql_type.unwrap().to_owned()
}

fn with_types() -> CreateTable {
    CreateTable {
        types: ServerTypes::of_mariadb(11, 8),
        ..CreateTable::default()
    }
}

#[test]
fn a_new_table_has_columns_that_hold_all_values() {
    let float = Arc::new(Field::new("item", DataType::Float32, true));
    let vector = DataType::FixedSizeList(float, 384);
    let uuid = [(metadata::EXTENSION_NAME, "arrow.uuid")];
    for (data_type, metadata, expected) in [
        (DataType::Boolean, &[][..], "TINYINT(1)"),
        (DataType::UInt64, &[], "BIGINT UNSIGNED"),
        (DataType::Float16, &[], "FLOAT"),
        (DataType::Decimal256(65, 30), &[], "DECIMAL(65,30)"),
        (DataType::Decimal128(2, -3), &[], "DECIMAL(5,0)"),
        (DataType::Decimal128(2, 4), &[], "DECIMAL(4,4)"),
        (
            DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None),
            &[],
            "DATETIME(3)",
        ),
        (
            DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, Some("UTC".into())),
            &[],
            "TIMESTAMP(6)",
        ),
        (
            DataType::Duration(arrow::datatypes::TimeUnit::Second),
            &[],
            "TIME(0)",
        ),
        (DataType::Utf8View, &[], "LONGTEXT"),
        (DataType::Binary, &[], "LONGBLOB"),
        (DataType::FixedSizeBinary(16), &[], "BINARY(16)"),
        (DataType::FixedSizeBinary(16), &uuid, "UUID"),
        (DataType::FixedSizeBinary(300), &[], "VARBINARY(300)"),
        (vector.clone(), &[], "VECTOR(384)"),
    ] {
        assert_eq!(sql_type(data_type, metadata, &with_types()), expected);
    }
    let old = CreateTable::default();
    assert_eq!(
        sql_type(DataType::FixedSizeBinary(16), &uuid, &old),
        "CHAR(36)"
    );
    assert_eq!(sql_type(vector, &[], &old), "BLOB");
    let short = CreateTable {
        text_length: Some(50),
        ..old
    };
    assert_eq!(sql_type(DataType::Utf8, &[], &short), "VARCHAR(50)");
    assert_eq!(
        sql_type(DataType::LargeBinary, &[], &short),
        "VARBINARY(50)"
    );
}

#[test]
fn a_new_table_has_the_types_that_the_columns_had() {
    let length = |length| (metadata::LENGTH, length);
    let sql = |name| (metadata::TYPE, name);
    let decimals = (metadata::DECIMALS, "2");
    let micros = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
    for (data_type, metadata, expected) in [
        (DataType::Int32, &[sql("MEDIUMINT")][..], "MEDIUMINT"),
        (DataType::Int64, &[sql("MEDIUMINT")], "BIGINT"),
        (DataType::Int16, &[sql("YEAR")], "YEAR"),
        (DataType::UInt64, &[sql("BIT"), length("12")], "BIT(12)"),
        (
            DataType::Utf8,
            &[sql("VARCHAR"), length("200")],
            "VARCHAR(50)",
        ),
        (DataType::Utf8, &[sql("CHAR"), length("8")], "CHAR(2)"),
        (
            DataType::Utf8,
            &[sql("VARCHAR"), length("4294967295")],
            "LONGTEXT",
        ),
        (DataType::Utf8, &[sql("INET6"), length("156")], "INET6"),
        (
            DataType::Binary,
            &[sql("VARBINARY"), length("9")],
            "VARBINARY(9)",
        ),
        (micros, &[sql("DATETIME"), decimals], "DATETIME(2)"),
    ] {
        assert_eq!(sql_type(data_type, metadata, &with_types()), expected);
    }
}

#[test]
fn long_columns_leave_room_for_the_others_of_the_row() {
    let text = |name: &str| {
        let metadata = [(metadata::TYPE, "VARCHAR"), (metadata::LENGTH, "24000")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Field::new(name, DataType::Utf8, false).with_metadata(HashMap::from(metadata))
    };
    let schema = Schema::new(vec![text("a"), text("b")]);
    let sql = with_types().sql(&"s.t".parse().unwrap(), &schema).unwrap();
    let expected = "CREATE TABLE `s`.`t` (`a` VARCHAR(6000) NOT NULL, `b` LONGTEXT NOT NULL) \
        CHARACTER SET utf8mb4";
    assert_eq!(sql, expected);
}

#[test]
fn what_a_table_cannot_have_is_refused() {
    let reason = |name: &str, data_type| {
        let schema = Schema::new(vec![Field::new(name, data_type, true)]);
        match with_types().sql(&"t".parse().unwrap(), &schema) {
            Err(WriteError::Column { reason, .. }) => Some(reason),
            _ => None,
        }
    };
    for name in ["", "a ", "😀", "\0", &"a".repeat(65)] {
        assert_eq!(
            reason(name, DataType::Int8),
            Some(ColumnRefusal::Name),
            "{name:?}"
        );
    }
    assert_eq!(reason(&"ä".repeat(64), DataType::Int8), None);
    assert_eq!(
        reason("a", DataType::Decimal256(70, 2)),
        Some(ColumnRefusal::Digits)
    );
    let float = Arc::new(Field::new("item", DataType::Float32, true));
    let lists = [
        DataType::List(float.clone()),
        DataType::FixedSizeList(float, 0),
    ];
    for list in lists {
        assert_eq!(reason("a", list), Some(ColumnRefusal::VectorLength));
    }
}

#[test]
fn changed_values_are_counted() {
    let options = WriteOptions::default()
        .with_non_finite(NonFinite::Null)
        .with_sub_microseconds(SubMicroseconds::Truncate);
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(1.0)]));
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1, 2000, -1]));
    let batch =
        RecordBatch::try_from_iter_with_nullable([("a", doubles, true), ("b", nanos, true)]);
    let batch = batch.unwrap();
    let plan = WritePlan::try_new(&batch.schema(), None, &options).unwrap();
    let rows = plan.rows(&batch, 0).unwrap();
    assert_eq!(rows.changed_values(), 3);
    let mut text = LoadDataText::new(&plan);
    (0..3).for_each(|row| text.push(&rows, row).unwrap());
    let expected = "\\N\t1970-01-01 00:00:00\n\\N\t1970-01-01 00:00:00.000002\n\
                    1\t1969-12-31 23:59:59.999999\n";
    assert_eq!(String::from_utf8_lossy(text.as_bytes()), expected);
}

#[test]
fn keys_of_every_width_find_their_values() {
    let array: DictionaryArray<UInt64Type> = ["a", "b"].into_iter().collect();
    assert_eq!(lines(array), ["a", "b"]);
}

/// What a column of this type gets, or why it gets nothing.
fn stored(array: impl Array + 'static, sql_type: &str) -> Result<String, String> {
    let lines = lines_for(&batch(Arc::new(array), None), Some(sql_type));
    lines
        .map(|lines| lines.join("\n"))
        .map_err(|error| match error {
            WriteError::Cell { reason, .. } => format!("{reason:?}"),
            WriteError::Column { .. } => "column".to_owned(),
            error => panic!("{error}"),
        })
}

#[test]
fn numbers_go_into_columns_that_have_them_exactly_and_into_floats_as_the_nearest() {
    let double = |number, sql_type| stored(Float64Array::from(vec![number]), sql_type);
    for (number, sql_type, expected) in [
        (0.1, "decimal(3,1)", Ok("0.1")),
        (1e300, "longtext", Ok("1e300")),
        (0.1, "float", Ok("0.1")),
        (
            1.005,
            "decimal(10,2)",
            Err("FractionDigits { decimals: 2 }"),
        ),
        (1.005, "double(10,2)", Err("FractionDigits { decimals: 2 }")),
        (1e39, "float", Err("Range")),
        (1e-50, "float", Err("Range")),
        (2024.0, "year(4)", Err("column")),
        (1.0, "enum('a')", Err("column")),
    ] {
        let found = double(number, sql_type);
        assert_eq!(as_str(&found), expected, "{number} {sql_type}");
    }
    let decimal = |scale| Decimal128Array::from(vec![150]).with_precision_and_scale(5, scale);
    for (scale, sql_type, expected) in [
        (2, "decimal(4,1)", Ok("1.5")),
        (2, "int(11)", Err("Fraction")),
        (1, "bit(8)", Ok("15")),
    ] {
        let found = stored(decimal(scale).unwrap(), sql_type);
        assert_eq!(as_str(&found), expected, "{sql_type}");
    }
}

#[test]
fn integers_are_no_places_of_words_no_short_years_and_no_bytes() {
    let no_year = "Text { expected: \"year of four digits\" }";
    for (number, sql_type, expected) in [
        (1 << 53, "double", Ok("9007199254740992")),
        ((1 << 53) + 1, "double", Err("Inexact")),
        (16_777_217, "float", Err("Inexact")),
        (-1, "bit(64)", Err("Negative")),
        (70, "year(4)", Err(no_year)),
        (2, "enum('a','2')", Ok("2")),
        (1, "set('a','2')", Err("Word")),
        (1, "blob", Err("column")),
    ] {
        let found = stored(Int64Array::from(vec![number]), sql_type);
        assert_eq!(as_str(&found), expected, "{number} {sql_type}");
    }
    for (sql_type, expected) in [
        ("tinyint(1)", Ok("1")),
        ("varchar(9)", Ok("true")),
        ("int(11)", Err("column")),
    ] {
        let found = stored(BooleanArray::from(vec![true]), sql_type);
        assert_eq!(as_str(&found), expected, "{sql_type}");
    }
}

fn as_str(found: &Result<String, String>) -> Result<&str, &str> {
    found.as_deref().map_err(String::as_str)
}

#[test]
fn text_for_another_column_is_what_the_server_would_not_read_otherwise() {
    let text = |text: &str, sql_type| stored(StringArray::from(vec![text]), sql_type);
    for (value, sql_type, expected) in [
        ("007", "int(11)", "7"),
        ("1.50", "decimal(4,1)", "1.5"),
        ("0.1", "float", "0.10000000149011612"),
        ("True", "tinyint(1)", "1"),
        ("false", "bit(1)", "0"),
        ("2024-02-29T12:30:00Z", "timestamp", "2024-02-29 13:30:00"),
        ("12:00:00.0000000", "time", "12:00:00"),
        ("B", "enum('a','B')", "B"),
    ] {
        assert_eq!(text(value, sql_type).unwrap(), expected, "{sql_type}");
    }
    for (value, sql_type) in [
        ("true", "int(11)"),
        ("1.5", "int(11)"),
        ("5", "vector(1)"),
        ("b", "enum('a','B')"),
        ("12:30:60", "time"),
        ("a ", "char(3)"),
        ("abc", "binary(4)"),
    ] {
        assert!(text(value, sql_type).is_err(), "{sql_type}");
    }
    // A whole number is one with a point, too; that of a FLOAT is as often written by its shortest digits.
    for (value, sql_type, expected) in [
        ("9007199254740993.0", "double", Err("Inexact")),
        ("9007199254740992.0", "double", Ok("9007199254740992")),
        ("1e23", "double", Ok("1e23")),
        ("16777217.0", "float", Err("Inexact")),
        ("123456790.0", "float", Ok("123456792")),
    ] {
        assert_eq!(
            as_str(&text(value, sql_type)),
            expected,
            "{value} {sql_type}"
        );
    }
    // Each row is looked at, and each NULL passed over.
    let rows = |last| {
        stored(
            StringArray::from(vec![Some("7"), None, Some(last)]),
            "int(11)",
        )
    };
    assert_eq!(rows("8").unwrap(), "7\n\\N\n8");
    assert!(rows("x").is_err());
    // The keys of a dictionary do not hide what its values are.
    let keys: DictionaryArray<Int8Type> = ["7", "x"].into_iter().collect();
    assert!(stored(keys.clone(), "int(11)").is_err());
    assert_eq!(stored(keys.slice(0, 1), "int(11)").unwrap(), "7");
}
