//! Record batches of anything, written as text to load, as parameters, as literals and in bulk: each
//! way takes the same values and refuses the same.
#![no_main]

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use libfuzzer_sys::fuzz_target;
use otaria_arrow::write::{
    BatchRow, BatchRows, CreateTable, LoadDataText, LoadDuplicates, NonFinite, OnDuplicate,
    ServerTypes, SubMicroseconds, TableColumn, TableName, WriteOptions, WritePlan,
};
use otaria_binary::{BulkParameters, Parameters};
use otaria_fuzz::Input;
use otaria_text::SqlLiterals;
use otaria_types::SessionTimeZone;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let flags = input.byte();
    let options = WriteOptions::default()
        .with_non_finite(if flags & 1 == 0 {
            NonFinite::Error
        } else {
            NonFinite::Null
        })
        .with_sub_microseconds(if flags & 2 == 0 {
            SubMicroseconds::Error
        } else {
            SubMicroseconds::Truncate
        });
    let rows = usize::from(input.byte() % 8);
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    let mut arrays = Vec::new();
    for index in 0..=input.byte() % 3 {
        let Some(array) = array(&mut input, rows, 0) else {
            return;
        };
        let name = format!("c{index}");
        columns.push(table_column(&name, &mut input));
        fields.push(field(&name, array.data_type(), &mut input));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of this schema");
    let table = TableName::new(Some("s`"), "t");
    let mut create = CreateTable::default();
    create.types = ServerTypes::of_mariadb(11, u32::from(input.byte() % 8));
    if let Ok(sql) = create.sql(&table, &schema) {
        assert!(sql.starts_with("CREATE TABLE `s```.`t`"), "{sql}");
    }
    let columns = (flags & 4 == 0).then_some(&*columns);
    let Ok(plan) = WritePlan::try_new(&schema, columns, &options) else {
        return;
    };
    assert!(!plan.insert(&table, OnDuplicate::Update).is_empty());
    assert!(!plan.load_data(&table, LoadDuplicates::Skip).is_empty());
    let written = plan.rows(&batch, 7).expect("a batch of the schema");
    assert_eq!(written.len(), rows);
    let _ = written.changed_values();
    let zone = match flags >> 3 & 3 {
        0 => SessionTimeZone::Unknown,
        _ => SessionTimeZone::Offset { seconds: 7200 },
    };
    write(&plan, &Arc::new(written), zone);
});

fn write(plan: &WritePlan, rows: &Arc<BatchRows>, zone: SessionTimeZone) {
    let mut text = LoadDataText::new(plan);
    text.set_time_zone(zone);
    for index in 0..rows.len() {
        let before = text.as_bytes().len();
        let pushed = text.push(rows, index);
        let line = &text.as_bytes()[before..];
        let refusal = (0..plan.columns()).find_map(|column| rows.refusal(index, column, zone));
        assert_eq!(pushed.is_err(), refusal.is_some(), "{pushed:?}");
        let row = BatchRow::new(rows, index).expect("a row");
        let mut parameters = Parameters::new();
        parameters.set_time_zone(zone);
        let set = parameters.set(&row);
        let mut bulk = BulkParameters::new();
        bulk.set_time_zone(zone);
        let in_bulk = bulk.push(&row, usize::MAX);
        let mut literals = SqlLiterals::new();
        literals.set_time_zone(zone);
        let as_text = literals.set(&row);
        if let Err(error) = pushed {
            assert!(line.is_empty());
            assert!(set.is_err() && in_bulk.is_err() && as_text.is_err());
            assert_eq!(error.to_string(), refusal.expect("one").to_string());
            continue;
        }
        assert_eq!(fields(line), plan.columns());
        // What has no literal has none in text either, such as a number that is not finite.
        assert_eq!(set.is_ok(), in_bulk.is_ok());
        if in_bulk.is_ok() {
            let back = BulkParameters::decode(bulk.as_bytes(), plan.columns());
            let back = back.expect("what was encoded");
            assert_eq!(back.values().count(), plan.columns());
            assert!(back.values().all(|value| value.is_ok()));
        }
        if as_text.is_ok() {
            assert_eq!(literals.len(), plan.columns());
        }
    }
}

/// How many fields `LOAD DATA` reads in a line.
fn fields(line: &[u8]) -> usize {
    assert_eq!(line.last(), Some(&b'\n'));
    let mut fields = 1;
    let mut bytes = line[..line.len() - 1].iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => assert!(bytes.next().is_some(), "the end of the line is escaped"),
            b'\t' => fields += 1,
            b'\n' => panic!("a line in a line"),
            _ => {}
        }
    }
    fields
}

/// An array of any type over buffers of any bytes, if they are one.
fn array(input: &mut Input<'_>, rows: usize, depth: u8) -> Option<ArrayRef> {
    let data_type = data_type(input, depth);
    let offset = usize::from(input.byte() % 3);
    let mut builder = ArrayData::builder(data_type.clone())
        .len(rows + offset)
        .align_buffers(true);
    if input.byte().is_multiple_of(4) {
        let nulls = input.bytes();
        if nulls.len() * 8 < rows + offset {
            return None;
        }
        builder = builder.null_bit_buffer(Some(Buffer::from(nulls)));
    }
    let buffers = match &data_type {
        DataType::Null | DataType::Struct(_) | DataType::FixedSizeList(..) => 0,
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => 2,
        _ => 1,
    };
    for _ in 0..buffers {
        let mut bytes = input.bytes().to_vec();
        // Zeros enough: offsets of nothing, or values. Arrow panics at a part of one.
        let least = if bytes.len() < 4 {
            32 * (rows + offset + 1)
        } else {
            bytes.len()
        };
        bytes.resize(least.next_multiple_of(32), 0);
        builder = builder.add_buffer(Buffer::from(bytes));
    }
    let children: Vec<DataType> = match &data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            vec![field.data_type().clone()]
        }
        DataType::Struct(fields) => fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect(),
        DataType::Dictionary(_, values) => vec![(**values).clone()],
        _ => Vec::new(),
    };
    for child in children {
        let rows = usize::from(input.byte() % 32);
        let values = array(input, rows, 2)?;
        if values.data_type() != &child {
            return None;
        }
        builder = builder.add_child_data(values.to_data());
    }
    // Arrow panics where a list of a fixed size begins with an offset that its values do not have.
    Some(make_array(builder.build().ok()?).slice(offset, rows))
}

fn data_type(input: &mut Input<'_>, depth: u8) -> DataType {
    let unit = |byte: u8| {
        [
            TimeUnit::Second,
            TimeUnit::Millisecond,
            TimeUnit::Microsecond,
            TimeUnit::Nanosecond,
        ][usize::from(byte % 4)]
    };
    let child = |input: &mut Input<'_>| {
        // Its array says the same again.
        let mut ahead = *input;
        ahead.byte();
        Arc::new(Field::new("item", data_type(&mut ahead, 2), true))
    };
    let byte = input.byte();
    let (size, scale) = (i32::from(byte), byte.cast_signed());
    match input.byte() % if depth < 2 { 43 } else { 36 } {
        0 => DataType::Null,
        1 => DataType::Boolean,
        2 => DataType::Int8,
        3 => DataType::Int16,
        4 => DataType::Int32,
        5 => DataType::Int64,
        6 => DataType::UInt8,
        7 => DataType::UInt16,
        8 => DataType::UInt32,
        9 => DataType::UInt64,
        10 => DataType::Float16,
        11 => DataType::Float32,
        12 => DataType::Float64,
        13 => DataType::Date32,
        14 => DataType::Date64,
        15 => DataType::Time32(unit(input.byte() % 2)),
        16 => DataType::Time64(unit(2 + input.byte() % 2)),
        17 | 18 => DataType::Timestamp(unit(input.byte()), None),
        19 => DataType::Timestamp(unit(input.byte()), Some("UTC".into())),
        20 => DataType::Timestamp(unit(input.byte()), Some("+02:00".into())),
        21 => DataType::Duration(unit(input.byte())),
        22 => DataType::Interval(IntervalUnit::MonthDayNano),
        23 => DataType::Decimal32(9, scale),
        24 => DataType::Decimal64(18, scale),
        25 => DataType::Decimal128(38, scale),
        26 => DataType::Decimal256(76, scale),
        27 | 28 => DataType::Utf8,
        29 => DataType::LargeUtf8,
        30 => DataType::Utf8View,
        31 | 32 => DataType::Binary,
        33 => DataType::LargeBinary,
        34 => DataType::BinaryView,
        35 => DataType::FixedSizeBinary(size % 20),
        36 => DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
        37 => DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Int64)),
        38 => DataType::List(child(input)),
        39 => DataType::FixedSizeList(child(input), size % 5),
        40 => DataType::FixedSizeList(
            Arc::new(Field::new("item", DataType::Float32, false)),
            size % 5,
        ),
        41 => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        _ => DataType::Struct(vec![Field::new("x", DataType::Float64, true)].into()),
    }
}

/// The field of a column, which may say what its values are.
fn field(name: &str, data_type: &DataType, input: &mut Input<'_>) -> Field {
    const EXTENSIONS: [&str; 8] = [
        "arrow.uuid",
        "arrow.json",
        "geoarrow.wkb",
        "otaria.time",
        "arrow.bool8",
        "arrow.opaque",
        "geoarrow.point",
        "",
    ];
    let field = Field::new(name, data_type.clone(), true);
    let extension = input.byte();
    if !extension.is_multiple_of(4) {
        return field;
    }
    let extension = EXTENSIONS[usize::from(extension / 4) % EXTENSIONS.len()];
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let metadata = [
        ("ARROW:extension:name".to_owned(), extension.to_owned()),
        ("ARROW:extension:metadata".to_owned(), text(input.bytes())),
        ("MARIADB:type".to_owned(), text(input.bytes())),
    ];
    field.with_metadata(HashMap::from(metadata))
}

fn table_column(name: &str, input: &mut Input<'_>) -> TableColumn {
    const TYPES: [&str; 24] = [
        "int(11)",
        "bigint(20) unsigned",
        "tinyint(1)",
        "bit(8)",
        "float",
        "double",
        "decimal(10,2)",
        "varchar(20)",
        "longtext",
        "char(36)",
        "blob",
        "binary(16)",
        "date",
        "datetime",
        "datetime(6)",
        "timestamp(3)",
        "time",
        "time(6)",
        "year(4)",
        "uuid",
        "inet6",
        "json",
        "enum('a','b')",
        "point",
    ];
    let kind = TYPES[usize::from(input.byte()) % TYPES.len()];
    TableColumn::new(name, kind, "", "")
}
