use otaria_types::{InList, Indicated, LongData, ToSql, ToSqlError};
use proptest::prelude::*;

use super::*;

fn parameters(params: impl Params) -> Parameters {
    let mut parameters = Parameters::new();
    parameters.set(&params).unwrap();
    parameters
}

fn encoded(parameters: &Parameters) -> Vec<u8> {
    let mut out = Vec::new();
    parameters.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut out));
    assert_eq!(out.len(), parameters.encoded_bytes());
    out
}

fn values(parameters: &Parameters) -> Vec<ValueRef<'_>> {
    parameters.values().collect::<Result<_, _>>().unwrap()
}

fn date() -> Date {
    "2024-02-29".parse().unwrap()
}

/// A value of each kind, as the sink takes it and as it is read.
fn every_kind() -> Vec<(Box<dyn ToSql>, ValueRef<'static>)> {
    let decimal: Decimal = "-15.50".parse().unwrap();
    let datetime: DateTime = "2024-02-29 01:02:03.000004".parse().unwrap();
    vec![
        (Box::new(None::<i8>), ValueRef::Null),
        (Box::new(-3_i32), ValueRef::Int(-3)),
        (Box::new(u64::MAX), ValueRef::UInt(u64::MAX)),
        (Box::new(1.5_f32), ValueRef::Float(1.5)),
        (Box::new(-2.5_f64), ValueRef::Double(-2.5)),
        (Box::new(decimal), ValueRef::Decimal("-15.50")),
        (Box::new("größe"), ValueRef::Text("größe")),
        (Box::new(*b"\xff\x00"), ValueRef::Bytes(b"\xff\x00")),
        (Box::new(date()), ValueRef::Date(date())),
        (Box::new(datetime), ValueRef::DateTime(datetime)),
        (Box::new(Time::MIN), ValueRef::Time(Time::MIN)),
    ]
}

#[test]
fn null_bitmap_types_and_values_come_in_this_order() {
    let parameters = parameters((1, None::<&str>, "ab", 2_u8));
    assert_eq!(
        encoded(&parameters),
        [
            &[0b10, 1][..],
            &[0x08, 0, 0x06, 0, 0xfd, 0, 0x08, 0x80],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            b"\x02ab",
            &[2, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat()
    );
    assert_eq!(parameters.len(), 4);
}

#[test]
fn no_parameters_are_no_bytes() {
    assert!(encoded(&parameters(())).is_empty());
    assert!(parameters(()).is_empty());
    assert_eq!(Parameters::decode(&[], 0), Ok(Parameters::new()));
    assert!(Parameters::decode(&[0], 0).is_err());
}

#[test]
fn values_of_every_kind_come_back() {
    let (params, expected): (Vec<_>, Vec<_>) = every_kind().into_iter().unzip();
    let parameters = parameters(params);
    assert_eq!(values(&parameters), expected);
    let decoded = Parameters::decode(&encoded(&parameters), parameters.len()).unwrap();
    assert_eq!(decoded, parameters);
    assert_eq!(values(&decoded), expected);
}

#[test]
fn no_type_that_silently_becomes_null_or_is_refused_is_sent() {
    let (params, _): (Vec<_>, Vec<_>) = every_kind().into_iter().unzip();
    let sent = parameters(params);
    let types: Vec<_> = sent.types().chunks(2).collect();
    assert_eq!(
        types,
        [
            [0x06, 0],
            [0x08, 0],
            [0x08, 0x80],
            [0x04, 0],
            [0x05, 0],
            [0xf6, 0],
            [0xfd, 0],
            [0xfc, 0],
            [0x0a, 0],
            [0x0c, 0],
            [0x0b, 0]
        ]
    );
    let silent = [
        FieldType::Int24,
        FieldType::Year,
        FieldType::Bit,
        FieldType::Geometry,
        FieldType::Json,
        FieldType::Vector,
    ]
    .map(u8::from);
    assert!(types.iter().all(|bytes| !silent.contains(&bytes[0])));
}

#[test]
fn the_types_sent_are_those_of_their_names() {
    let (params, _): (Vec<_>, Vec<_>) = every_kind().into_iter().unzip();
    let sent = parameters(params);
    let types: Vec<_> = sent
        .types()
        .chunks(2)
        .map(|bytes| FieldType::from(bytes[0]))
        .collect();
    assert_eq!(
        types,
        [
            FieldType::Null,
            FieldType::LongLong,
            FieldType::LongLong,
            FieldType::Float,
            FieldType::Double,
            FieldType::NewDecimal,
            FieldType::VarString,
            FieldType::Blob,
            FieldType::Date,
            FieldType::DateTime,
            FieldType::Time
        ]
    );
}

#[test]
fn zero_dates_and_times_are_sent_as_values_and_not_as_null() {
    let parameters = parameters((Date::ZERO, DateTime::ZERO, Time::ZERO, ""));
    assert_eq!(parameters.null_bitmap(), [0]);
    assert_eq!(parameters.value_bytes(), [0, 0, 0, 0]);
}

#[test]
fn long_values_take_a_longer_length() {
    let text = "x".repeat(0x1_0000);
    let parameters = parameters((&text,));
    assert_eq!(parameters.value_bytes()[..4], [0xfd, 0, 0, 1]);
    assert_eq!(values(&parameters), [ValueRef::Text(&text)]);
}

#[test]
fn params_65_535_are_sent_and_65_536_rejected_client_side() {
    let nulls = vec![None::<u8>; MAX_PARAMETERS];
    let mut sent = parameters(&nulls);
    assert_eq!(sent.len(), 65_535);
    assert_eq!(encoded(&sent).len(), 8_192 + 1 + 2 * 65_535);
    assert_eq!(
        sent.set(&vec![None::<u8>; MAX_PARAMETERS + 1]),
        Err(ParamsError::TooMany { found: 65_536 })
    );
    assert!(sent.is_empty());
}

/// Says that there is one parameter and writes more.
struct Liar;

impl Params for Liar {
    fn len(&self) -> usize {
        1
    }

    fn write<S: ParameterSink>(&self, out: &mut S) -> Result<(), ParamsError> {
        vec![1; MAX_PARAMETERS + 1].write(out)
    }

    fn write_at<S: ParameterSink>(&self, index: usize, out: &mut S) -> Result<(), ParamsError> {
        [1].write_at(index, out)
    }
}

#[test]
fn what_is_written_is_counted_and_not_what_is_announced() {
    let found = MAX_PARAMETERS + 1;
    let error = Parameters::new().set(&Liar);
    assert_eq!(error, Err(ParamsError::TooMany { found }));
}

#[test]
fn a_value_that_cannot_be_sent_leaves_no_parameters() {
    let mut sent = parameters((1, 2));
    let error = ParamsError::Parameter {
        index: 1,
        error: ToSqlError::NotFinite,
    };
    assert_eq!(sent.set(&(1, f32::NAN)), Err(error));
    assert_eq!(sent, Parameters::new());
}

#[test]
fn parameters_are_replaced_and_the_memory_of_a_long_value_is_given_back() {
    let mut sent = parameters((vec![0_u8; 2 * KEPT_BYTES], None::<u8>));
    assert!(sent.encoded.capacity() > KEPT_BYTES);
    sent.set(&(5,)).unwrap();
    assert_eq!(sent, parameters((5,)));
    assert!(sent.encoded.capacity() <= KEPT_BYTES);
}

#[test]
fn a_list_takes_as_much_room_as_it_has_values() {
    for length in [0, 1, 8, 64, 1024] {
        let list: Vec<Option<i64>> = (0..length).map(|n| (n % 3 > 0).then_some(n)).collect();
        let mut flat: Vec<Box<dyn ToSql>> = vec![Box::new(None::<i8>), Box::new("before")];
        for value in &list {
            flat.push(Box::new(*value));
        }
        flat.push(Box::new("behind"));
        let expected = parameters(flat);
        let params = (None::<i8>, "before", InList(&list), "behind");
        assert_eq!(parameters(params), expected);
        // In the place of others, too.
        let mut sent = parameters(vec![Some(-1); 20]);
        sent.set(&params).unwrap();
        assert_eq!(sent, expected);
        sent.set(&params).unwrap();
        assert_eq!(encoded(&sent), encoded(&expected));
    }
}

#[test]
fn every_cut_or_longer_packet_is_an_error() {
    let (params, _): (Vec<_>, Vec<_>) = every_kind().into_iter().unzip();
    let len = params.len();
    let payload = encoded(&parameters(params));
    for end in 0..payload.len() {
        let error = Parameters::decode(&payload[..end], len).unwrap_err();
        assert!(matches!(error, InvalidPacket::Truncated { .. }), "{end}");
    }
    let error = Parameters::decode(&[&payload[..], &[0]].concat(), len).unwrap_err();
    assert!(matches!(error, InvalidPacket::TrailingData { .. }));
    assert!(Parameters::decode(&payload, usize::MAX).is_err());
}

#[test]
fn parameters_without_types_are_an_error() {
    for found in [0, 2] {
        let error = Parameters::decode(&[1, found, 0x06, 0], 1).unwrap_err();
        let expected = InvalidPacket::Field {
            packet: PACKET,
            field: "send type to server",
            value: found.into(),
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn a_value_that_was_sent_ahead_is_a_long_blob_that_is_not_null_and_has_no_bytes() {
    let sent = parameters((1, LongData, "ab", Some(LongData), None::<LongData>));
    let payload = [
        &[0b1_0000, 1][..],
        &[0x08, 0, 0xfb, 0, 0xfd, 0, 0xfb, 0, 0x06, 0],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        b"\x02ab",
    ]
    .concat();
    assert_eq!(encoded(&sent), payload);
    assert_eq!(Parameters::decode(&payload, 5).as_ref(), Ok(&sent));
    let (empty, null) = (ValueRef::Bytes(&[]), ValueRef::Null);
    let expected = [ValueRef::Int(1), empty, ValueRef::Text("ab"), empty, null];
    assert_eq!(values(&sent), expected);
}

#[test]
fn values_sent_ahead_are_found_by_their_indexes() {
    let none = parameters((1, "ab", None::<LongData>, b"bytes"));
    assert!(!none.has_long_data());
    assert_eq!(none.long_data().count(), 0);
    let mut sent = parameters((1, LongData, "ab", Some(LongData), None::<LongData>));
    assert!(sent.has_long_data());
    assert_eq!(sent.long_data().collect::<Vec<_>>(), [1, 3]);
    let mut encoded = Vec::new();
    sent.encode(Capabilities::empty(), &mut PayloadWriter::new(&mut encoded));
    assert!(Parameters::decode(&encoded, 5).unwrap() == sent);
    sent.set(&(1, 2)).unwrap();
    assert!(!sent.has_long_data());
    assert!(sent.set(&(LongData, f64::NAN)).is_err());
    assert!(!sent.has_long_data());
}

#[test]
fn default_and_ignore_are_errors_that_name_the_parameter() {
    for value in [Indicated::<i32>::Default, Indicated::Ignore] {
        let error = Parameters::new().set(&(1, value)).unwrap_err();
        let ParamsError::Parameter { index: 1, error } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(error, ToSqlError::NotHere { .. }), "{error:?}");
    }
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
    let mut parameters = Parameters::new();
    let error = parameters.set(&(1, Zoned)).unwrap_err();
    let expected = ParamsError::Parameter {
        index: 1,
        error: ToSqlError::TimeZone,
    };
    assert_eq!(error, expected);
    parameters.set_time_zone(SessionTimeZone::Offset { seconds: -3600 });
    for _ in 0..2 {
        parameters.set(&(Zoned,)).unwrap();
        assert_eq!(values(&parameters), [ValueRef::Int(-3600)]);
    }
    parameters.set_time_zone(SessionTimeZone::Unknown);
    assert!(parameters.set(&(Zoned,)).is_err());
}

#[test]
fn debug_shows_no_values() {
    let shown = format!("{:?}", parameters(("secret", 1)));
    assert_eq!(shown, "Parameters(2, 15 bytes)");
}

proptest! {
    #[test]
    fn parameters_come_back_whatever_is_null(
        params in proptest::collection::vec(any::<Option<i64>>(), 0..300),
    ) {
        let parameters = parameters(&params);
        let decoded = Parameters::decode(&encoded(&parameters), params.len()).unwrap();
        let expected: Vec<_> = params.iter().map(|value| value.map_or(ValueRef::Null, ValueRef::Int)).collect();
        prop_assert_eq!(values(&decoded), expected);
    }

    #[test]
    fn text_and_bytes_come_back(
        text in proptest::collection::vec(".{0,40}", 0..5),
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut params: Vec<&dyn ToSql> = text.iter().map(|text| -> &dyn ToSql { text }).collect();
        params.push(&bytes);
        let parameters = parameters(params);
        let mut expected: Vec<_> = text.iter().map(|text| ValueRef::Text(text)).collect();
        expected.push(ValueRef::Bytes(&bytes));
        prop_assert_eq!(values(&parameters), expected);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        len in 0..20_usize,
    ) {
        if let Ok(parameters) = Parameters::decode(&bytes, len) {
            prop_assert_eq!(encoded(&parameters), bytes);
            prop_assert_eq!(parameters.values().count(), len);
        }
    }
}
