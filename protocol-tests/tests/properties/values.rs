//! Every value comes back from a parameter, from a parameter in bulk, and from a row of either protocol.
//!
//! What comes back is the value, and not always its type: a server has no narrower integers among
//! parameters, and text knows floats by their shortest digits. Literals are read back where they are
//! written, and by real servers.

use otaria::{Date, DateTime, Decimal, FieldType, Indicated, Time, ValueRef};
use otaria_binary::{BinaryCell, BinaryRow, BinaryRowPacket, BulkParameters, Parameters, Push};
use otaria_codec::{Capabilities, ColumnDefinition, FieldFlags};
use otaria_text::{TextCell, TextRow, TextRowPacket};
use otaria_types::RowReader;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::packets::{bytes, encoded};

#[derive(Clone, Debug)]
enum Value {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    Date(Date),
    DateTime(DateTime),
    Time(Time),
}

fn value() -> impl Strategy<Value = Value> {
    let date = || (0..=9999_u16, 0..=12_u8, 0..=31_u8);
    let date = move || date().prop_filter_map("a date", |(y, m, d)| Date::new(y, m, d));
    let clock = (0..24_u8, 0..60_u8, 0..60_u8, option::of(0..1_000_000_u32));
    let datetime =
        (date(), clock).prop_filter_map("a time", |(date, (hour, minute, second, micros))| {
            DateTime::new(date, hour, minute, second, micros.unwrap_or_default())
        });
    let micros = Time::MIN.as_micros()..=Time::MAX.as_micros();
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f32>()
            .prop_filter("a number", |float| float.is_finite())
            .prop_map(Value::Float),
        any::<f64>()
            .prop_filter("a number", |float| float.is_finite())
            .prop_map(Value::Double),
        "-?(0|[1-9][0-9]{0,26})(\\.[0-9]{1,38})?".prop_map(Value::Decimal),
        any::<String>().prop_map(Value::Text),
        bytes().prop_map(Value::Bytes),
        date().prop_map(Value::Date),
        datetime.prop_map(Value::DateTime),
        micros.prop_filter_map("a time", |micros| Some(Value::Time(Time::from_micros(
            micros
        )?))),
    ]
}

impl Value {
    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Int(*value),
            Self::UInt(value) => ValueRef::UInt(*value),
            Self::Float(value) => ValueRef::Float(*value),
            Self::Double(value) => ValueRef::Double(*value),
            Self::Decimal(value) => ValueRef::Decimal(value),
            Self::Text(value) => ValueRef::Text(value),
            Self::Bytes(value) => ValueRef::Bytes(value),
            Self::Date(value) => ValueRef::Date(*value),
            Self::DateTime(value) => ValueRef::DateTime(*value),
            Self::Time(value) => ValueRef::Time(*value),
        }
    }

    /// A column that has such values.
    fn column(&self) -> ColumnDefinition {
        let field_type = match self {
            Self::Null | Self::Int(_) | Self::UInt(_) => FieldType::LongLong,
            Self::Float(_) => FieldType::Float,
            Self::Double(_) => FieldType::Double,
            Self::Decimal(_) => FieldType::NewDecimal,
            Self::Text(_) => FieldType::VarString,
            Self::Bytes(_) => FieldType::Blob,
            Self::Date(_) => FieldType::Date,
            Self::DateTime(_) => FieldType::DateTime,
            Self::Time(_) => FieldType::Time,
        };
        let column = ColumnDefinition::new("c", field_type);
        match self {
            Self::UInt(_) => column.with_flags(FieldFlags::UNSIGNED),
            Self::Text(_) => column.with_collation(45),
            _ => column,
        }
    }

    fn binary(&self) -> BinaryCell {
        match self.clone() {
            Self::Null => BinaryCell::NULL,
            Self::Int(value) => value.into(),
            Self::UInt(value) => value.into(),
            Self::Float(value) => value.into(),
            Self::Double(value) => value.into(),
            Self::Decimal(value) | Self::Text(value) => value.into(),
            Self::Bytes(value) => value.into(),
            Self::Date(value) => value.into(),
            Self::DateTime(value) => value.into(),
            Self::Time(value) => value.into(),
        }
    }

    fn text(&self) -> TextCell {
        match self {
            Self::Null => TextCell::default(),
            Self::Int(value) => value.to_string().into(),
            Self::UInt(value) => value.to_string().into(),
            Self::Float(value) => format!("{value:e}").into(),
            Self::Double(value) => format!("{value:e}").into(),
            Self::Decimal(value) | Self::Text(value) => value.clone().into(),
            Self::Bytes(value) => value.clone().into(),
            Self::Date(value) => value.to_string().into(),
            Self::DateTime(value) => value.to_string().into(),
            Self::Time(value) => value.to_string().into(),
        }
    }
}

/// What the reader reads in columns of these values is the values.
fn same<'a>(mut reader: impl RowReader<'a>, values: &[Value]) {
    for value in values {
        let read = reader.value(&value.column());
        let read = read.expect("a value of the column");
        assert!(is_same(read, value.as_ref()), "{read:?} is not {value:?}");
    }
    reader.finish().expect("the end of the row");
}

/// The same value, to the last bit.
fn is_same(one: ValueRef<'_>, other: ValueRef<'_>) -> bool {
    match (one, other) {
        (ValueRef::Float(one), ValueRef::Float(other)) => one.to_bits() == other.to_bits(),
        (ValueRef::Double(one), ValueRef::Double(other)) => one.to_bits() == other.to_bits(),
        (ValueRef::Decimal(one), ValueRef::Decimal(other)) => {
            let parse = |text: &str| text.parse::<Decimal>().expect("a decimal");
            parse(one) == parse(other)
        }
        // In bulk a column of numbers is signed if its first is.
        (ValueRef::Int(one), ValueRef::UInt(other))
        | (ValueRef::UInt(other), ValueRef::Int(one)) => i128::from(one) == i128::from(other),
        (one, other) => one == other,
    }
}

proptest! {
    #[test]
    fn values_come_back_from_rows_of_either_protocol(values in vec(value(), 1..20)) {
        let none = Capabilities::empty();
        let text = TextRowPacket::of(values.iter().map(Value::text));
        let text = encoded(&text, none);
        same(TextRow::new(&text, values.len()).expect("a row"), &values);
        let binary = BinaryRowPacket::of(values.iter().map(Value::binary));
        let binary = encoded(&binary, none);
        same(BinaryRow::new(&binary, values.len()).expect("a row"), &values);
    }

    #[test]
    fn values_come_back_from_parameters_one_by_one_and_in_bulk(
        rows in vec(vec(value(), 3), 1..8),
    ) {
        let mut bulk = BulkParameters::new();
        let mut taken = Vec::new();
        for row in &rows {
            let params: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
            let mut parameters = Parameters::new();
            parameters.set(&params).expect("values that can be sent");
            let payload = encoded(&parameters, Capabilities::empty());
            let back = Parameters::decode(&payload, 3).expect("what was encoded");
            for (found, value) in back.values().zip(row) {
                let found = found.expect("a value");
                prop_assert!(is_same(found, value.as_ref()), "{:?} is not {:?}", found, value);
            }
            if bulk.push(&params, usize::MAX) == Ok(Push::Taken) {
                taken.extend(row);
            }
        }
        let payload = encoded(&bulk, Capabilities::empty());
        let back = BulkParameters::decode(&payload, 3).expect("what was encoded");
        prop_assert_eq!(back.values().count(), taken.len());
        for (found, value) in back.values().zip(taken) {
            let is_value = match (found.expect("a value"), value) {
                (Indicated::Null, Value::Null) => true,
                (Indicated::Value(found), value) => is_same(found, value.as_ref()),
                _ => false,
            };
            prop_assert!(is_value, "not {:?}", value);
        }
    }
}
