//! What options make of columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Float64Array,
    LargeStringArray, ListArray, StringArray, StringViewArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType, Field, Float32Type, TimeUnit, UInt16Type};
use otaria_arrow::{
    ArrowOptions, BitType, CellReason, ColumnReason, ColumnType, DecimalType, DecodeError,
    EnumType, GeometryType, Nullability, RecordBatchDecoder, RowForm, SetType, StringType,
    TemporalUnit, TimeType, TimestampZone, UuidType, ZeroDateMode, metadata,
};
use otaria_codec::{ColumnDefinition, FieldFlags, FieldType};
use otaria_types::{Date, DateTime, SessionTimeZone, Time, ZeroDates};

use crate::rows::{
    Cell, cell, column, column_of, decimal, decode, null, row, same, text_column, unsigned,
};

fn options() -> ArrowOptions {
    ArrowOptions::default()
}

fn expect(
    definition: &ColumnDefinition,
    options: &ArrowOptions,
    cells: &[Cell],
    expected: impl Array + 'static,
) {
    let array = column_of(definition, options, cells).unwrap();
    let expected: ArrayRef = Arc::new(expected);
    assert_eq!(array.as_ref(), expected.as_ref());
    assert_eq!(array.data_type(), expected.data_type());
}

fn reason(definition: &ColumnDefinition, options: &ArrowOptions, cells: &[Cell]) -> CellReason {
    match column_of(definition, options, cells) {
        Err(DecodeError::Cell { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn field(definition: &ColumnDefinition, options: &ArrowOptions) -> Field {
    let columns = std::slice::from_ref(definition);
    let decoder = RecordBatchDecoder::try_new(columns, options).unwrap();
    decoder.schema().field(0).clone()
}

fn metadata_of(field: &Field, key: &str) -> Option<String> {
    field.metadata().get(key).map(ToString::to_string)
}

fn date(text: &str) -> Cell {
    cell(text, text.parse::<Date>().unwrap())
}

fn datetime(text: &str) -> Cell {
    cell(text, text.parse::<DateTime>().unwrap())
}

fn time(text: &str) -> Cell {
    cell(text, text.parse::<Time>().unwrap())
}

#[test]
fn decimals_are_floats_or_text_on_request() {
    let cells = [same("-12.50"), same("0.10"), null()];
    let floats = options().with_decimal_type(DecimalType::Float64);
    let array = Float64Array::from(vec![Some(-12.5), Some(0.1), None]);
    expect(&decimal(10, 2), &floats, &cells, array);
    let text = options().with_decimal_type(DecimalType::Utf8);
    let array = StringArray::from(vec![Some("-12.50"), Some("0.10"), None]);
    expect(&decimal(10, 2), &text, &cells, array);
}

#[test]
fn text_is_large_or_views_on_request() {
    let texts = [Some("short"), None, Some("longer than twelve bytes")];
    let cells = texts.map(|text| text.map_or_else(null, same));
    let large = options().with_string_type(StringType::LargeUtf8);
    let array = LargeStringArray::from(texts.to_vec());
    expect(&text_column(FieldType::VarString), &large, &cells, array);
    let views = options().with_string_type(StringType::Utf8View);
    let array = StringViewArray::from(texts.to_vec());
    expect(&text_column(FieldType::VarString), &views, &cells, array);
}

#[test]
fn bit_is_binary_or_a_truth_on_request() {
    let definition = unsigned(FieldType::Bit).with_length(12, 0);
    let binary = options().with_bit_type(BitType::Binary);
    let array = BinaryArray::from(vec![Some(&b"\x0a\xaa"[..]), None]);
    expect(&definition, &binary, &[same(b"\x0a\xaa"), null()], array);
    let truth = options().with_bit1_as_bool(true);
    let array = BooleanArray::from(vec![Some(false), Some(true), None]);
    let cells = [same([0]), same([1]), null()];
    expect(&definition.with_length(1, 0), &truth, &cells, array);
}

#[test]
fn enum_is_a_dictionary_on_request() {
    let definition = text_column(FieldType::String).with_flags(FieldFlags::ENUM);
    let dictionary = options().with_enum_type(EnumType::Dictionary);
    let cells = [same("red"), null(), same("green"), same("red"), same("")];
    let array = column_of(&definition, &dictionary, &cells).unwrap();
    let array = array.as_dictionary::<UInt16Type>();
    let labels = StringArray::from(vec!["red", "green", ""]);
    assert_eq!(array.values().as_string::<i32>(), &labels);
    let keys: Vec<_> = array.keys().iter().collect();
    assert_eq!(keys, [Some(0), None, Some(1), Some(0), Some(2)]);
    let bad = [same("red"), same(b"\xff"), same(b"\xff")];
    assert_eq!(reason(&definition, &dictionary, &bad), CellReason::Utf8);
}

#[test]
fn set_is_a_list_on_request() {
    let definition = text_column(FieldType::String).with_flags(FieldFlags::SET);
    let lists = options().with_set_type(SetType::List);
    let cells = [same("a,b"), same(""), null(), same("größe")];
    let array = column_of(&definition, &lists, &cells).unwrap();
    let array: &ListArray = array.as_list();
    let sets: Vec<Option<Vec<String>>> = array
        .iter()
        .map(|set| {
            let set = set?;
            let members = set.as_string::<i32>().iter();
            Some(members.map(|member| member.unwrap().to_owned()).collect())
        })
        .collect();
    let set = |members: &[&str]| Some(members.iter().map(|&member| member.to_owned()).collect());
    assert_eq!(sets, [set(&["a", "b"]), set(&[]), None, set(&["größe"])]);
    let many = ",".repeat(64);
    assert_eq!(
        reason(&definition, &lists, &[same(many)]),
        CellReason::Malformed
    );
    let bad = [same("a,b"), same(b"a,\xff")];
    let error = column_of(&definition, &lists, &bad).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("row 2, column 0 `c` (SET): the text is not UTF-8")
    );
}

#[test]
fn uuid_is_text_on_request() {
    let definition = text_column(FieldType::String).with_extended_metadata("uuid", "");
    let text = options().with_uuid_type(UuidType::Utf8);
    let uuid = "123e4567-e89b-12d3-a456-426655440000";
    expect(
        &definition,
        &text,
        &[same(uuid)],
        StringArray::from(vec![uuid]),
    );
}

#[test]
fn dates_that_no_calendar_has_are_errors_by_default() {
    for text in [
        "0000-00-00",
        "2024-00-00",
        "2024-02-00",
        "2024-02-31",
        "0000-02-29",
    ] {
        let cells = [date("2024-02-29"), date(text)];
        let reason_of_date = reason(&column(FieldType::Date), &options(), &cells);
        assert_eq!(reason_of_date, CellReason::ZeroDate, "{text}");
        let cells = [datetime(&format!("{text} 00:00:00"))];
        let reason_of_datetime = reason(&column(FieldType::DateTime), &options(), &cells);
        assert_eq!(reason_of_datetime, CellReason::ZeroDate, "{text}");
        let cells = [datetime(&format!("{text} 10:00:00.5"))];
        let reason_of_timestamp = reason(&column(FieldType::Timestamp), &options(), &cells);
        assert_eq!(reason_of_timestamp, CellReason::ZeroDate, "{text}");
    }
}

#[test]
fn dates_that_no_calendar_has_become_null_on_request_and_are_counted() {
    let nulls = options().with_zero_dates(ZeroDates::Null);
    let cells = [
        date("0000-00-00"),
        date("1970-01-02"),
        date("2024-00-00"),
        null(),
    ];
    let nulls = nulls.with_nullability(Nullability::Declared);
    let definition = column(FieldType::Date)
        .with_flags(FieldFlags::NOT_NULL)
        .with_origin("shop", "item", "day");
    assert!(field(&definition, &nulls).is_nullable());
    let array = Date32Array::from(vec![None, Some(1), None, None]);
    expect(&definition, &nulls, &cells, array);
    let cells = [
        datetime("2024-02-31 10:00:00.5"),
        datetime("1970-01-01 00:00:01"),
    ];
    let array = TimestampMicrosecondArray::from(vec![None, Some(1_000_000)]);
    expect(&column(FieldType::DateTime), &nulls, &cells, array);

    let columns = [definition];
    let mut decoder = RecordBatchDecoder::try_new(&columns, &nulls).unwrap();
    for form in [RowForm::Text, RowForm::Binary] {
        let rows = [
            row(form, &[&date("0000-00-00")]),
            row(form, &[&date("2024-01-01")]),
        ];
        decoder
            .decode(form, rows.iter().map(Vec::as_slice))
            .unwrap();
        decoder.flush().unwrap();
    }
    assert_eq!(decoder.values_made_null(), 2);
}

#[test]
fn dates_are_text_on_request_the_same_in_both_forms() {
    let text = options().with_zero_dates(ZeroDateMode::Utf8);
    let cells = [
        date("0000-00-00"),
        date("2024-02-31"),
        date("9999-12-31"),
        null(),
    ];
    let array = StringArray::from(vec![
        Some("0000-00-00"),
        Some("2024-02-31"),
        Some("9999-12-31"),
        None,
    ]);
    expect(&column(FieldType::Date), &text, &cells, array);
    for (decimals, printed) in [
        (0, ["0000-00-00 00:00:00", "2024-01-01 10:00:00"]),
        (3, ["0000-00-00 00:00:00.000", "2024-01-01 10:00:00.500"]),
        (
            6,
            ["0000-00-00 00:00:00.000000", "2024-01-01 10:00:00.500000"],
        ),
    ] {
        let definition = column(FieldType::DateTime).with_length(26, decimals);
        let cells = printed.map(datetime);
        expect(
            &definition,
            &text,
            &cells,
            StringArray::from(printed.to_vec()),
        );
    }
}

#[test]
fn time_is_a_time_of_day_or_text_on_request() {
    let definition = column(FieldType::Time).with_length(10, 0);
    let of_day = options().with_time_type(TimeType::Time64);
    let cells = [time("00:00:00"), time("23:59:59.999999"), null()];
    let array = Time64MicrosecondArray::from(vec![Some(0), Some(86_399_999_999), None]);
    expect(&definition, &of_day, &cells, array);
    for text in ["24:00:00", "25:00:00", "-01:00:00", "-00:00:00.000001"] {
        assert_eq!(
            reason(&definition, &of_day, &[time(text)]),
            CellReason::TimeOfDay
        );
    }
    let or_null = options().with_time_type(TimeType::Time64OrNull);
    let cells = [time("25:00:00"), time("00:00:01"), time("-01:00:00")];
    let array = Time64MicrosecondArray::from(vec![None, Some(1_000_000), None]);
    expect(&definition, &or_null, &cells, array);
    let text = options().with_time_type(TimeType::Utf8);
    let texts = ["-838:59:59", "00:00:00", "100:01:02"];
    let cells = texts.map(time);
    expect(
        &definition,
        &text,
        &cells,
        StringArray::from(texts.to_vec()),
    );
}

#[test]
fn a_native_unit_is_the_greatest_that_holds_the_digits() {
    let native = options().with_temporal_unit(TemporalUnit::Native);
    let cells = [datetime("1970-01-01 00:00:01"), null()];
    let definition = |decimals| column(FieldType::DateTime).with_length(26, decimals);
    let seconds = TimestampSecondArray::from(vec![Some(1), None]);
    expect(&definition(0), &native, &cells, seconds);
    for decimals in 1..=3 {
        let millis = TimestampMillisecondArray::from(vec![Some(1000), None]);
        expect(&definition(decimals), &native, &cells, millis);
    }
    for decimals in 4..=6 {
        let micros = TimestampMicrosecondArray::from(vec![Some(1_000_000), None]);
        expect(&definition(decimals), &native, &cells, micros);
    }
    for (decimals, unit) in [(0, TimeUnit::Second), (2, TimeUnit::Millisecond)] {
        let time = column(FieldType::Time).with_length(10, decimals);
        assert_eq!(field(&time, &native).data_type(), &DataType::Duration(unit));
    }
}

#[test]
fn timestamp_is_in_utc_where_the_zone_is_known() {
    let definition = column(FieldType::Timestamp).with_length(19, 0);
    let cells = [datetime("1970-01-01 02:00:01"), null()];
    let zone = |seconds| options().with_time_zone(SessionTimeZone::Offset { seconds });
    for (seconds, micros, name) in [
        (0, 7_201_000_000, "+00:00"),
        (7200, 1_000_000, "+02:00"),
        (-19_800, 27_001_000_000, "-05:30"),
    ] {
        let array = TimestampMicrosecondArray::from(vec![Some(micros), None]);
        let array = array.with_timezone("UTC");
        expect(&definition, &zone(seconds), &cells, array);
        let field = field(&definition, &zone(seconds));
        assert_eq!(
            metadata_of(&field, metadata::TIME_ZONE).as_deref(),
            Some(name)
        );
    }
    let naive = zone(7200).with_timestamp_zone(TimestampZone::Naive);
    let array = TimestampMicrosecondArray::from(vec![Some(7_201_000_000), None]);
    expect(&definition, &naive, &cells, array);
    let known = |options| metadata_of(&field(&definition, &options), metadata::TIME_ZONE);
    assert_eq!(known(naive).as_deref(), Some("+02:00"));
    assert_eq!(known(options()).as_deref(), Some("unknown"));
    let named = options().with_time_zone_name("Europe/Berlin");
    assert_eq!(known(named).as_deref(), Some("Europe/Berlin"));
}

#[test]
fn datetime_is_in_no_zone_whatever_the_session_s_is() {
    let utc = options().with_time_zone(SessionTimeZone::Offset { seconds: 3600 });
    let array = TimestampMicrosecondArray::from(vec![0]);
    expect(
        &column(FieldType::DateTime),
        &utc,
        &[datetime("1970-01-01 00:00:00")],
        array,
    );
}

#[test]
fn binary_n_is_of_fixed_size_on_request() {
    let fixed = options().with_fixed_size_binary(true);
    let definition = column(FieldType::String).with_length(3, 0);
    let array = column_of(&definition, &fixed, &[same(b"abc"), null()]).unwrap();
    assert_eq!(array.data_type(), &DataType::FixedSizeBinary(3));
    assert_eq!(array.as_fixed_size_binary().value(0), b"abc");
    assert_eq!(
        reason(&definition, &fixed, &[same(b"ab")]),
        CellReason::Length {
            expected: 3,
            found: 2
        }
    );
    let variable = column(FieldType::VarString).with_length(3, 0);
    assert_eq!(field(&variable, &fixed).data_type(), &DataType::Binary);
}

fn floats(values: &[f32]) -> Cell {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    same(bytes)
}

#[test]
fn a_vector_is_a_list_of_fixed_size_on_request() {
    let vector = |dimensions| options().with_column("c", ColumnType::Vector { dimensions });
    let definition = column(FieldType::VarString).with_length(8, 0);
    let cells = [floats(&[1.5, -2.0]), null(), floats(&[f32::MAX, 0.0])];
    let array = column_of(&definition, &vector(None), &cells).unwrap();
    let array = array.as_fixed_size_list();
    assert_eq!(
        (array.value_length(), array.len(), array.null_count()),
        (2, 3, 1)
    );
    let numbers = array.values().as_primitive::<Float32Type>().values();
    assert_eq!(numbers.as_ref(), [1.5, -2.0, 0.0, 0.0, f32::MAX, 0.0]);
    assert_eq!(
        reason(&definition, &vector(None), &[floats(&[1.0])]),
        CellReason::Length {
            expected: 8,
            found: 4
        }
    );
    let blob = column(FieldType::Blob).with_length(65_535, 0);
    let array = column_of(&blob, &vector(Some(3)), &[floats(&[1.0, 2.0, 3.0])]).unwrap();
    assert_eq!(array.as_fixed_size_list().value_length(), 3);
    let field = field(&definition, &vector(None));
    assert_eq!(
        metadata_of(&field, metadata::TYPE).as_deref(),
        Some("VECTOR")
    );
}

#[test]
fn what_cannot_be_a_vector_is_refused() {
    let refused = |definition: ColumnDefinition, dimensions| {
        let options = options().with_column("c", ColumnType::Vector { dimensions });
        match RecordBatchDecoder::try_new(&[definition], &options) {
            Err(DecodeError::Column { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    let text = text_column(FieldType::VarString).with_length(8, 0);
    assert_eq!(refused(text, None), ColumnReason::NotBinary);
    assert_eq!(
        refused(column(FieldType::Long), None),
        ColumnReason::NotBinary
    );
    for length in [0, 6, 65_535, u32::MAX] {
        let bytes = column(FieldType::VarString).with_length(length, 0);
        assert!(
            matches!(refused(bytes, None), ColumnReason::Dimensions { .. }),
            "{length}"
        );
    }
    let blob = column(FieldType::Blob).with_length(8, 0);
    for dimensions in [0, 65_537, u32::MAX] {
        let reason = refused(blob.clone(), Some(dimensions));
        assert!(matches!(reason, ColumnReason::Dimensions { .. }));
    }
}

fn point(srid: u32) -> Cell {
    let wkb = b"\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40";
    same([&srid.to_le_bytes(), &wkb[..]].concat())
}

#[test]
fn a_geometry_s_srid_is_in_the_field_s_metadata() {
    let geometry = [column(FieldType::Geometry)];
    let mut decoder = RecordBatchDecoder::try_new(&geometry, &options()).unwrap();
    assert!(!decoder.is_schema_final());
    let rows = [null(), point(4326)].map(|cell| row(RowForm::Text, &[&cell]));
    decoder
        .decode(RowForm::Text, rows.iter().map(Vec::as_slice))
        .unwrap();
    assert!(decoder.is_schema_final());
    let schema = decoder.schema().clone();
    let field = schema.field(0);
    let name = metadata_of(field, metadata::EXTENSION_NAME);
    assert_eq!(name.as_deref(), Some("geoarrow.wkb"));
    let crs = metadata_of(field, metadata::EXTENSION_METADATA);
    assert_eq!(crs.as_deref(), Some(r#"{"crs":"4326","crs_type":"srid"}"#));
    assert_eq!(decoder.flush().unwrap().unwrap().schema(), schema);
}

#[test]
fn geometries_of_several_srids_are_an_error_unless_binary_is_asked_for() {
    let definition = column(FieldType::Geometry);
    let mixed = [point(0), point(4326)];
    let expected = CellReason::Srid {
        expected: 0,
        found: 4326,
    };
    assert_eq!(reason(&definition, &options(), &mixed), expected);
    let binary = options().with_geometry_type(GeometryType::Binary);
    let array = column_of(&definition, &binary, &mixed).unwrap();
    assert_eq!(
        array.as_binary::<i32>().value(1)[..4],
        4326_u32.to_le_bytes()
    );
    let one = options().with_column("c", ColumnType::Binary);
    assert_eq!(field(&definition, &one).data_type(), &DataType::Binary);
    assert!(column_of(&definition, &one, &mixed).is_ok());
}

#[test]
fn a_named_srid_makes_the_schema_final_from_the_beginning() {
    let geometry = [column(FieldType::Geometry)];
    let named = options().with_column("c", ColumnType::Geometry { srid: 25832 });
    let decoder = RecordBatchDecoder::try_new(&geometry, &named).unwrap();
    assert!(decoder.is_schema_final());
    let expected = CellReason::Srid {
        expected: 25832,
        found: 0,
    };
    assert_eq!(reason(&geometry[0], &named, &[point(0)]), expected);
    let error = RecordBatchDecoder::try_new(&[column(FieldType::Blob)], &named).unwrap_err();
    assert!(error.to_string().ends_with("only a GEOMETRY has an SRID"));
}

#[test]
fn a_first_batch_without_a_geometry_settles_that_there_is_no_srid() {
    let geometry = [column(FieldType::Geometry)];
    let mut decoder = RecordBatchDecoder::try_new(&geometry, &options()).unwrap();
    decoder.decode(RowForm::Text, [&b"\xfb"[..]]).unwrap();
    decoder.flush().unwrap();
    assert!(decoder.is_schema_final());
    let payload = row(RowForm::Text, &[&point(4326)]);
    let error = decoder.decode(RowForm::Text, [&payload[..]]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("row 2, column 0 `c` (GEOMETRY): the geometry's SRID")
    );
}

#[test]
fn a_geometry_that_is_cut_is_malformed() {
    for length in 0..13 {
        let cell = same(vec![0; length]);
        let reason = reason(&column(FieldType::Geometry), &options(), &[cell]);
        assert_eq!(reason, CellReason::Malformed, "{length}");
    }
}

#[test]
fn all_may_be_null_or_all_but_what_tables_declare() {
    let not_null = || column(FieldType::Long).with_flags(FieldFlags::NOT_NULL);
    let in_table = not_null().with_origin("shop", "item", "id");
    assert!(field(&in_table, &options()).is_nullable());
    let cells = [cell("1", 1_i32), null()];
    let read = column_of(&in_table, &options(), &cells).unwrap();
    assert_eq!(read.null_count(), 1);

    let declared = options().with_nullability(Nullability::Declared);
    assert!(!field(&in_table, &declared).is_nullable());
    assert_eq!(reason(&in_table, &declared, &cells), CellReason::NotNull);
    let nullable = column(FieldType::Long).with_origin("shop", "item", "id");
    assert!(field(&nullable, &declared).is_nullable());
    assert!(field(&not_null(), &declared).is_nullable(), "a constant");
}

#[test]
fn fields_carry_the_server_s_type() {
    let type_of = |definition: &ColumnDefinition| {
        metadata_of(&field(definition, &options()), metadata::TYPE).unwrap()
    };
    for (definition, name) in [
        (unsigned(FieldType::Long), "INT UNSIGNED"),
        (column(FieldType::Tiny), "TINYINT"),
        (decimal(10, 2), "DECIMAL"),
        (unsigned(FieldType::Timestamp), "TIMESTAMP"),
        (text_column(FieldType::VarString), "VARCHAR"),
        (column(FieldType::VarString), "VARBINARY"),
        (text_column(FieldType::Blob), "TEXT"),
        (column(FieldType::Blob), "BLOB"),
        (
            text_column(FieldType::String).with_flags(FieldFlags::ENUM),
            "ENUM",
        ),
        (
            text_column(FieldType::String).with_extended_metadata("inet6", ""),
            "INET6",
        ),
        (
            text_column(FieldType::Blob).with_extended_metadata("", "json"),
            "JSON",
        ),
        (
            column(FieldType::Geometry).with_extended_metadata("point", ""),
            "POINT",
        ),
        (column(FieldType::Other(99)), "UNKNOWN"),
    ] {
        assert_eq!(type_of(&definition), name);
    }
    let varchar = field(
        &text_column(FieldType::VarString).with_length(80, 0),
        &options(),
    );
    assert_eq!(
        metadata_of(&varchar, metadata::LENGTH).as_deref(),
        Some("80")
    );
    let time = field(&column(FieldType::Time).with_length(14, 3), &options());
    assert_eq!(metadata_of(&time, metadata::DECIMALS).as_deref(), Some("3"));
}

#[test]
fn extensions_are_named_as_arrow_names_them() {
    let uuid = text_column(FieldType::String).with_extended_metadata("uuid", "");
    let uuid = field(&uuid, &options());
    let name = metadata_of(&uuid, metadata::EXTENSION_NAME);
    assert_eq!(name.as_deref(), Some("arrow.uuid"));
    assert_eq!(metadata_of(&uuid, metadata::EXTENSION_METADATA), None);
    let json = text_column(FieldType::Blob).with_extended_metadata("", "json");
    let json = field(&json, &options());
    let name = metadata_of(&json, metadata::EXTENSION_NAME);
    assert_eq!(name.as_deref(), Some("arrow.json"));
    let parameters = metadata_of(&json, metadata::EXTENSION_METADATA);
    assert_eq!(parameters.as_deref(), Some(""));
}

#[test]
fn columns_of_one_name_are_all_kept() {
    let columns = [column(FieldType::Tiny), column(FieldType::Tiny)];
    let rows = [row(RowForm::Text, &[&cell("1", 1_i8), &cell("2", 2_i8)])];
    let batch = decode(&columns, &options(), RowForm::Text, &rows).unwrap();
    assert_eq!(batch.schema().fields().len(), 2);
    assert!(
        batch
            .schema()
            .fields()
            .iter()
            .all(|field| field.name() == "c")
    );
}

#[test]
fn options_for_a_column_that_is_not_there_are_refused() {
    let options = options().with_column("embeding", ColumnType::Vector { dimensions: None });
    let error = RecordBatchDecoder::try_new(&[column(FieldType::Blob)], &options).unwrap_err();
    assert!(matches!(error, DecodeError::UnknownColumn { name } if &*name == "embeding"));
}
