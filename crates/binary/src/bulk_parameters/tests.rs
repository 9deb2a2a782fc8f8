use otaria_types::{Date, DateTime, Decimal, LongData, ParameterSink, Time, ToSql, ToSqlError};
use proptest::prelude::*;

use super::*;
use crate::MAX_PARAMETERS;

const NO_LIMIT: usize = usize::MAX;

#[track_caller]
fn taken(parameters: &mut BulkParameters, row: impl Params) {
    assert_eq!(parameters.push(&row, NO_LIMIT), Ok(Push::Taken));
}

#[track_caller]
fn bulk<P: Params>(rows: impl IntoIterator<Item = P>) -> BulkParameters {
    let mut parameters = BulkParameters::new();
    for row in rows {
        taken(&mut parameters, row);
    }
    parameters
}

fn values(parameters: &BulkParameters) -> Vec<Indicated<ValueRef<'_>>> {
    parameters.values().collect::<Result<_, _>>().unwrap()
}

/// What the row makes of a packet that has `before` already.
fn pushed(
    before: &BulkParameters,
    row: impl Params,
    limit_bytes: usize,
) -> Result<Push, ParamsError> {
    let mut parameters = BulkParameters::new();
    parameters.bytes.clone_from(&before.bytes);
    parameters.len = before.len;
    parameters.rows = before.rows;
    let push = parameters.push(&row, limit_bytes);
    if push != Ok(Push::Taken) {
        assert_eq!(
            parameters.as_bytes(),
            before.as_bytes(),
            "the rows before it are whole"
        );
        assert_eq!(parameters.rows(), before.rows());
    }
    push
}

/// A value of each kind, as the sink takes it and as it is read.
fn every_kind() -> Vec<(Box<dyn ToSql>, Indicated<ValueRef<'static>>)> {
    let date: Date = "2024-02-29".parse().unwrap();
    let decimal: Decimal = "-15.50".parse().unwrap();
    let datetime: DateTime = "2024-02-29 01:02:03.000004".parse().unwrap();
    let value = Indicated::Value;
    vec![
        (Box::new(-3_i32), value(ValueRef::Int(-3))),
        (Box::new(u64::MAX), value(ValueRef::UInt(u64::MAX))),
        (Box::new(1.5_f32), value(ValueRef::Float(1.5))),
        (Box::new(-2.5_f64), value(ValueRef::Double(-2.5))),
        (Box::new(decimal), value(ValueRef::Decimal("-15.50"))),
        (Box::new("größe"), value(ValueRef::Text("größe"))),
        (Box::new(*b"\xff\0"), value(ValueRef::Bytes(b"\xff\0"))),
        (Box::new(date), value(ValueRef::Date(date))),
        (Box::new(datetime), value(ValueRef::DateTime(datetime))),
        (Box::new(Time::MIN), value(ValueRef::Time(Time::MIN))),
        (Box::new(None::<i8>), Indicated::Null),
        (Box::new(Indicated::<i8>::Default), Indicated::Default),
        (Box::new(Indicated::<i8>::Ignore), Indicated::Ignore),
    ]
}

#[test]
fn types_come_first_and_each_value_behind_its_indicator() {
    let parameters = bulk([(1, Some("ab")), (2, None)]);
    let expected = [
        &[0x08, 0, 0xfd, 0][..],
        &[0, 1, 0, 0, 0, 0, 0, 0, 0],
        b"\0\x02ab",
        &[0, 2, 0, 0, 0, 0, 0, 0, 0],
        &[1],
    ];
    assert_eq!(parameters.as_bytes(), expected.concat());
    assert_eq!((parameters.rows(), parameters.encoded_bytes()), (2, 27));
    let mut out = Vec::new();
    parameters.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
    assert_eq!(out, parameters.as_bytes());
}

#[test]
fn rows_with_null_default_and_ignore_have_an_indicator_and_no_value() {
    let rows = [
        Indicated::Null,
        Indicated::Default,
        Indicated::Ignore,
        Indicated::Value(5_u8),
    ];
    let parameters = bulk(rows.map(|value| (value,)));
    let expected = [0x08, 0x80, 1, 2, 3, 0, 5, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(parameters.as_bytes(), expected);
    let [null, default, ignore] = [Indicated::Null, Indicated::Default, Indicated::Ignore];
    let five = Indicated::Value(ValueRef::UInt(5));
    assert_eq!(values(&parameters), [null, default, ignore, five]);
}

#[test]
fn parameters_that_have_no_value_in_any_row_are_of_the_type_null() {
    let rows = [
        (None::<i32>, Indicated::<&str>::Default),
        (None, Indicated::Null),
    ];
    assert_eq!(bulk(rows).as_bytes(), [6, 0, 6, 0, 1, 2, 1, 1]);
}

#[test]
fn values_of_every_kind_come_back() {
    let (row, expected): (Vec<_>, Vec<_>) = every_kind().into_iter().unzip();
    let parameters = bulk([&row, &row]);
    assert_eq!(values(&parameters), [&expected[..], &expected].concat());
    let decoded = BulkParameters::decode(parameters.as_bytes(), row.len()).unwrap();
    assert_eq!(decoded.rows(), 2);
    assert_eq!(values(&decoded), values(&parameters));
}

#[test]
fn each_value_of_another_kind_is_a_type_change_mid_stream() {
    let kinds: Vec<_> = every_kind().into_iter().map(|(value, _)| value).collect();
    let of_no_type = kinds.len() - 3;
    for (one, before) in kinds.iter().enumerate() {
        for (other, value) in kinds.iter().enumerate() {
            let goes_on = one == other || one >= of_no_type || other >= of_no_type;
            let expected = if goes_on {
                Push::Taken
            } else {
                Push::TypesDiffer
            };
            let before = bulk([("a", before)]);
            assert_eq!(
                pushed(&before, ("b", value), NO_LIMIT),
                Ok(expected),
                "{one} {other}"
            );
        }
    }
}

#[test]
fn integers_with_and_without_a_sign_share_a_type_where_both_hold_the_value() {
    let (signed, unsigned) = (bulk([(-1_i64,)]), bulk([(u64::MAX,)]));
    let most = i64::MAX.cast_unsigned();
    assert_eq!(pushed(&signed, (most,), NO_LIMIT), Ok(Push::Taken));
    assert_eq!(
        pushed(&signed, (most + 1,), NO_LIMIT),
        Ok(Push::TypesDiffer)
    );
    assert_eq!(pushed(&unsigned, (i64::MAX,), NO_LIMIT), Ok(Push::Taken));
    assert_eq!(pushed(&unsigned, (0_i64,), NO_LIMIT), Ok(Push::Taken));
    assert_eq!(
        pushed(&unsigned, (-1_i64,), NO_LIMIT),
        Ok(Push::TypesDiffer)
    );
    let mut parameters = unsigned;
    taken(&mut parameters, (i64::MAX,));
    let expected = [u64::MAX, most].map(|value| Indicated::Value(ValueRef::UInt(value)));
    assert_eq!(values(&parameters), expected);
}

#[test]
fn a_float_is_no_double_since_the_server_makes_other_text_of_it() {
    assert_eq!(
        pushed(&bulk([(0.1_f64,)]), (0.1_f32,), NO_LIMIT),
        Ok(Push::TypesDiffer)
    );
}

#[test]
fn a_row_of_other_types_begins_the_next_packet() {
    let mut parameters = bulk([(1, "a")]);
    let row = (2, b"b");
    assert_eq!(parameters.push(&row, NO_LIMIT), Ok(Push::TypesDiffer));
    parameters.clear();
    assert!(parameters.is_empty() && parameters.as_bytes().is_empty());
    taken(&mut parameters, row);
    assert_eq!(parameters.as_bytes(), bulk([row]).as_bytes());
}

#[test]
fn a_row_that_is_not_taken_gives_no_type() {
    let mut parameters = bulk([(1, None::<&str>)]);
    let row: (&str, Option<&str>) = ("a", Some("b"));
    assert_eq!(parameters.push(&row, NO_LIMIT), Ok(Push::TypesDiffer));
    assert!(parameters.push(&(1, f64::NAN), NO_LIMIT).is_err());
    taken(&mut parameters, (2, 2.5));
    let expected = bulk([(1, None), (2, Some(2.5))]);
    assert_eq!(parameters.as_bytes(), expected.as_bytes());
}

#[test]
fn last_row_lands_exactly_on_max_allowed_packet() {
    let before = bulk([(1, "a")]);
    let row = (2, "bcd");
    let payload_bytes = HEAD_BYTES + before.encoded_bytes() + 9 + 5;
    assert_eq!(pushed(&before, row, payload_bytes), Ok(Push::Taken));
    assert_eq!(pushed(&before, row, payload_bytes - 1), Ok(Push::Full));
    let payload_bytes = HEAD_BYTES + 4 + 9 + 5;
    let empty = BulkParameters::new();
    assert_eq!(pushed(&empty, row, payload_bytes), Ok(Push::Taken));
    assert!(pushed(&empty, row, payload_bytes - 1).is_err());
}

#[test]
fn single_row_larger_than_max_allowed_packet_is_an_error_that_says_both_sizes() {
    let mut parameters = BulkParameters::new();
    let error = parameters.push(&("x".repeat(300),), 100).unwrap_err();
    let (payload_bytes, limit_bytes) = (7 + 2 + 1 + 3 + 300, 100);
    assert_eq!(
        error,
        ParamsError::RowTooLong {
            payload_bytes,
            limit_bytes
        }
    );
    assert_eq!(
        error.to_string(),
        "the row makes a payload of 313 bytes and the greatest is one of 100"
    );
    assert!(parameters.is_empty() && parameters.as_bytes().is_empty());
    assert_eq!(parameters.push(&("x",), 100), Ok(Push::Taken));
}

#[test]
fn a_row_that_is_too_long_behind_others_is_an_error_only_when_they_are_sent() {
    let mut parameters = bulk([("a",)]);
    let row = ("x".repeat(300),);
    assert_eq!(parameters.push(&row, 100), Ok(Push::Full));
    parameters.clear();
    let error = parameters.push(&row, 100).unwrap_err();
    assert!(matches!(
        error,
        ParamsError::RowTooLong {
            limit_bytes: 100,
            ..
        }
    ));
}

#[test]
fn rows_of_different_parameter_counts_are_an_error_in_the_next_packet_too() {
    let mut parameters = bulk([(1, 2)]);
    let error = |found| Err(ParamsError::RowLength { expected: 2, found });
    assert_eq!(parameters.push(&(1,), NO_LIMIT), error(1));
    assert_eq!(parameters.push(&(), NO_LIMIT), error(0));
    parameters.clear();
    assert_eq!(parameters.push(&(1, 2, 3), NO_LIMIT), error(3));
    taken(&mut parameters, (3, 4));
}

/// Says that it has two parameters, and writes so many.
struct Liar(usize);

impl Params for Liar {
    fn len(&self) -> usize {
        2
    }

    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        vec![1; self.0].write(out)
    }

    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        vec![1; self.0].write_at(index, out)
    }
}

#[test]
fn what_is_written_is_counted_and_not_what_is_announced() {
    for found in [0, 1, 3, 70_000] {
        let error = Err(ParamsError::RowLength { expected: 2, found });
        assert_eq!(pushed(&BulkParameters::new(), Liar(found), NO_LIMIT), error);
        assert_eq!(pushed(&bulk([(1, 2)]), Liar(found), NO_LIMIT), error);
    }
}

#[test]
fn zero_params_are_an_error_that_says_what_to_do() {
    let error = BulkParameters::new().push(&(), NO_LIMIT).unwrap_err();
    assert_eq!(error, ParamsError::NoParameters);
    assert_eq!(
        error.to_string(),
        "a row without parameters cannot be executed in bulk: execute the statement by itself"
    );
}

#[test]
fn params_65_535_are_sent_and_65_536_rejected_client_side() {
    let parameters = bulk([vec![None::<u8>; MAX_PARAMETERS]]);
    assert_eq!(parameters.encoded_bytes(), 3 * 65_535);
    let (found, row) = (65_536, vec![None::<u8>; MAX_PARAMETERS + 1]);
    let error = BulkParameters::new().push(&row, NO_LIMIT);
    assert_eq!(error, Err(ParamsError::TooMany { found }));
}

#[test]
fn empty_input_is_no_bytes() {
    let parameters = BulkParameters::new();
    assert!(parameters.is_empty());
    assert_eq!((parameters.as_bytes(), parameters.rows()), (&[][..], 0));
    assert_eq!(values(&parameters), []);
}

#[test]
fn a_value_that_cannot_be_sent_leaves_the_rows_before_it_whole() {
    let (index, error) = (1, ToSqlError::NotFinite);
    let error = Err(ParamsError::Parameter { index, error });
    assert_eq!(pushed(&bulk([(1, 2.5)]), (1, f64::NAN), NO_LIMIT), error);
    assert_eq!(
        pushed(&BulkParameters::new(), (1, f64::NAN), NO_LIMIT),
        error
    );
}

#[test]
fn data_sent_ahead_is_an_error_in_bulk() {
    let error = BulkParameters::new()
        .push(&(LongData,), NO_LIMIT)
        .unwrap_err();
    let ParamsError::Parameter { index: 0, error } = error else {
        panic!("{error:?}");
    };
    assert!(matches!(error, ToSqlError::NotHere { .. }));
}

/// A value that depends on the zone that DATETIME parameters are in.
struct Zoned;

impl ToSql for Zoned {
    fn to_sql(&self, out: &mut dyn ParameterSink) -> Result<(), ToSqlError> {
        let SessionTimeZone::Offset { seconds } = out.time_zone() else {
            return Err(ToSqlError::TimeZone);
        };
        seconds.to_sql(out)
    }
}

#[test]
fn values_are_told_the_zone_of_the_session() {
    let mut parameters = BulkParameters::new();
    let error = parameters.push(&(Zoned,), NO_LIMIT).unwrap_err();
    let expected = ParamsError::Parameter {
        index: 0,
        error: ToSqlError::TimeZone,
    };
    assert_eq!(error, expected);
    parameters.set_time_zone(SessionTimeZone::Offset { seconds: -3600 });
    for _ in 0..2 {
        taken(&mut parameters, (Zoned,));
        let expected = [Indicated::Value(ValueRef::Int(-3600))];
        assert_eq!(values(&parameters), expected);
        parameters.clear();
    }
}

#[test]
fn memory_is_kept_between_packets_and_that_of_a_long_row_is_given_back() {
    let limit_bytes = 100_000;
    let mut parameters = BulkParameters::new();
    while parameters.push(&("x".repeat(1000),), limit_bytes) == Ok(Push::Taken) {}
    let capacity = parameters.bytes.capacity();
    assert!(capacity >= 99_000);
    parameters.clear();
    assert_eq!(parameters.bytes.capacity(), capacity);
    assert!(
        parameters
            .push(&("x".repeat(4 * KEPT_BYTES),), limit_bytes)
            .is_err()
    );
    parameters.clear();
    assert!(parameters.bytes.capacity() <= limit_bytes + KEPT_BYTES);
}

#[test]
fn every_cut_packet_is_an_error_unless_it_ends_with_a_row() {
    let (row, _): (Vec<_>, Vec<_>) = every_kind().into_iter().unzip();
    let types = row.len() * ParameterType::BYTES;
    let payload = bulk([&row, &row]).bytes;
    let one_row = types + (payload.len() - types) / 2;
    for end in 0..payload.len() {
        let decoded = BulkParameters::decode(&payload[..end], row.len());
        assert_eq!(decoded.is_ok(), end == one_row, "{end}");
    }
    assert!(BulkParameters::decode(&payload, usize::MAX).is_err());
}

#[test]
fn an_indicator_that_does_not_exist_is_an_error() {
    for found in [4, 0x80, 0xff] {
        let error = BulkParameters::decode(&[6, 0, found], 1).unwrap_err();
        let (field, value) = ("parameter indicator", found.into());
        assert_eq!(
            error,
            InvalidPacket::Field {
                packet: PACKET,
                field,
                value
            }
        );
    }
}

#[test]
fn rows_without_parameters_are_none() {
    assert!(BulkParameters::decode(&[], 0).unwrap().is_empty());
    assert!(BulkParameters::decode(&[1], 0).is_err());
}

#[test]
fn debug_shows_no_values() {
    let shown = format!("{:?}", bulk([("secret", 1)]));
    assert_eq!(shown, "BulkParameters(1 rows, 21 bytes)");
}

proptest! {
    #[test]
    fn rows_come_back_in_packets_of_any_limit(
        rows in proptest::collection::vec(
            (any::<Option<i64>>(), proptest::option::of(".{0,9}"), any::<u64>()), 1..40),
        limit_bytes in 60..400_usize,
    ) {
        let mut parameters = BulkParameters::new();
        let mut received = Vec::new();
        let mut receive = |parameters: &BulkParameters| {
            assert!(HEAD_BYTES + parameters.encoded_bytes() <= limit_bytes);
            let decoded = BulkParameters::decode(parameters.as_bytes(), 3).unwrap();
            assert_eq!(decoded.rows(), parameters.rows());
            received.extend(values(&decoded).iter().map(|value| format!("{value:?}")));
        };
        for row in &rows {
            while parameters.push(row, limit_bytes).unwrap() != Push::Taken {
                prop_assert!(!parameters.is_empty());
                receive(&parameters);
                parameters.clear();
            }
        }
        receive(&parameters);
        let number = |shown: &str| shown.replace("UInt", "Int");
        let expected: Vec<_> = rows.iter().flat_map(|(int, text, uint)| [
            Indicated::from(int.map(ValueRef::Int)),
            Indicated::from(text.as_deref().map(ValueRef::Text)),
            Indicated::Value(ValueRef::UInt(*uint)),
        ]).map(|value| number(&format!("{value:?}"))).collect();
        let received: Vec<_> = received.iter().map(|shown| number(shown)).collect();
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        len in 0..8_usize,
    ) {
        if let Ok(parameters) = BulkParameters::decode(&bytes, len) {
            prop_assert_eq!(parameters.as_bytes(), bytes);
            prop_assert_eq!(parameters.values().count(), len * parameters.rows());
        }
    }
}
