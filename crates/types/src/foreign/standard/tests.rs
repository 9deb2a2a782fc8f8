use proptest::prelude::*;

use super::*;
use crate::testing::{Written, read_back, refused, written};

const FORM: FromSqlError = FromSqlError::Form;
const NULL: FromSqlError = FromSqlError::Null;
const OUT_OF_RANGE: FromSqlError = FromSqlError::OutOfRange;

#[test]
fn text_is_read_into_every_pointer() {
    let text = ValueRef::Text("größe");
    assert_eq!(Box::<str>::from_sql(text), Ok("größe".into()));
    assert_eq!(Rc::<str>::from_sql(text), Ok("größe".into()));
    assert_eq!(Arc::<str>::from_sql(text), Ok("größe".into()));
    let lent = Cow::<str>::from_sql(text);
    assert!(matches!(lent, Ok(Cow::Borrowed("größe"))));
    assert_eq!(Box::<str>::from_text(""), Ok("".into()));
    assert_eq!(Box::<str>::from_sql(ValueRef::Null), Err(NULL));
    let mismatch = FromSqlError::Mismatch { value: "bytes" };
    assert_eq!(Box::<str>::from_sql(ValueRef::Bytes(b"a")), Err(mismatch));
}

#[test]
fn bytes_are_read_into_every_pointer() {
    let bytes = ValueRef::Bytes(b"\xff\0");
    assert_eq!(Box::<[u8]>::from_sql(bytes), Ok([0xff, 0].into()));
    assert_eq!(Rc::<[u8]>::from_sql(bytes), Ok([0xff, 0].into()));
    assert_eq!(Arc::<[u8]>::from_sql(bytes), Ok([0xff, 0].into()));
    let lent = Cow::<[u8]>::from_sql(bytes);
    assert!(matches!(lent, Ok(Cow::Borrowed(b"\xff\0"))));
    assert_eq!(Box::<[u8]>::from_sql(ValueRef::Null), Err(NULL));
}

#[test]
fn an_array_takes_exactly_its_length() {
    let bytes = ValueRef::Bytes(b"abc");
    assert_eq!(<[u8; 3]>::from_sql(bytes), Ok(*b"abc"));
    assert_eq!(<[u8; 2]>::from_sql(bytes), Err(FORM));
    assert_eq!(<[u8; 4]>::from_sql(bytes), Err(FORM));
    assert_eq!(<[u8; 0]>::from_sql(ValueRef::Bytes(b"")), Ok([]));
    assert_eq!(<[u8; 3]>::from_sql(ValueRef::Null), Err(NULL));
}

#[test]
fn integers_of_128_bits_are_decimals() {
    assert_eq!(written(&0_i128), Written::Decimal("0".into()));
    assert_eq!(written(&0_u128), Written::Decimal("0".into()));
    for integer in [i128::MIN, -1, 0, i128::MAX] {
        assert_eq!(read_back(&integer), Ok(integer));
    }
    for integer in [0, u128::from(u64::MAX) + 1, u128::MAX] {
        assert_eq!(read_back(&integer), Ok(integer));
    }
    assert_eq!(i128::from_sql(ValueRef::Int(i64::MIN)), Ok(i64::MIN.into()));
    assert_eq!(
        u128::from_sql(ValueRef::UInt(u64::MAX)),
        Ok(u64::MAX.into())
    );
    assert_eq!(u128::from_sql(ValueRef::Decimal("-0.00")), Ok(0));
    assert_eq!(i128::from_sql(ValueRef::Decimal("12.00")), Ok(12));
}

#[test]
fn decimals_that_are_no_integers_of_128_bits_are_an_error() {
    let greatest = "9".repeat(65);
    let least = format!("-{greatest}");
    for text in [&greatest, &least] {
        assert_eq!(i128::from_sql(ValueRef::Decimal(text)), Err(OUT_OF_RANGE));
        assert_eq!(u128::from_sql(ValueRef::Decimal(text)), Err(OUT_OF_RANGE));
    }
    assert_eq!(u128::from_sql(ValueRef::Int(-1)), Err(OUT_OF_RANGE));
    assert_eq!(u128::from_sql(ValueRef::Decimal("-1")), Err(OUT_OF_RANGE));
    let half = ValueRef::Decimal("0.5");
    assert_eq!(i128::from_sql(half), Err(FromSqlError::Inexact));
    assert_eq!(u128::from_sql(half), Err(FromSqlError::Inexact));
    assert_eq!(i128::from_sql(ValueRef::Null), Err(NULL));
}

#[test]
fn integers_of_a_pointer_s_width_are_held() {
    assert_eq!(usize::from_sql(ValueRef::Int(0)), Ok(0));
    assert_eq!(isize::from_sql(ValueRef::Int(-1)), Ok(-1));
    assert_eq!(read_back(&usize::MAX), Ok(usize::MAX));
    assert_eq!(read_back(&isize::MIN), Ok(isize::MIN));
    assert_eq!(usize::from_sql(ValueRef::Int(-1)), Err(OUT_OF_RANGE));
    assert_eq!(usize::from_sql(ValueRef::Null), Err(NULL));
}

#[test]
fn a_duration_is_a_time_that_is_not_negative() {
    let greatest = Duration::from_micros(Time::MAX.as_micros().unsigned_abs());
    for duration in [Duration::ZERO, Duration::from_micros(1), greatest] {
        assert_eq!(read_back(&duration), Ok(duration));
    }
    let beyond = greatest + Duration::from_micros(1);
    assert_eq!(refused(&beyond), ToSqlError::OutOfRange);
    assert_eq!(refused(&Duration::MAX), ToSqlError::OutOfRange);
    let negative = ValueRef::Time(Time::from_micros(-1).unwrap());
    assert_eq!(Duration::from_sql(negative), Err(OUT_OF_RANGE));
    assert_eq!(Duration::from_sql(ValueRef::Null), Err(NULL));
}

#[test]
fn addresses_are_text() {
    let (v4, v6) = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    assert_eq!(written(&v4), Written::Text("127.0.0.1".into()));
    assert_eq!(written(&v6), Written::Text("::1".into()));
    for address in [Ipv4Addr::UNSPECIFIED, v4, Ipv4Addr::BROADCAST] {
        assert_eq!(read_back(&address), Ok(address));
        assert_eq!(read_back(&IpAddr::from(address)), Ok(address.into()));
    }
    let greatest = Ipv6Addr::from_bits(u128::MAX);
    for address in [Ipv6Addr::UNSPECIFIED, v6, v4.to_ipv6_mapped(), greatest] {
        assert_eq!(read_back(&address), Ok(address));
        assert_eq!(read_back(&IpAddr::from(address)), Ok(address.into()));
    }
}

#[test]
fn what_is_no_such_address_is_an_error() {
    assert_eq!(Ipv4Addr::from_sql(ValueRef::Text("::1")), Err(FORM));
    assert_eq!(Ipv6Addr::from_sql(ValueRef::Text("127.0.0.1")), Err(FORM));
    assert_eq!(IpAddr::from_sql(ValueRef::Text("localhost")), Err(FORM));
    assert_eq!(IpAddr::from_sql(ValueRef::Null), Err(NULL));
    let mismatch = FromSqlError::Mismatch { value: "bytes" };
    assert_eq!(IpAddr::from_sql(ValueRef::Bytes(&[0; 4])), Err(mismatch));
}

#[test]
fn a_char_is_text_of_one_character() {
    for character in ['\0', 'a', 'ß', char::MAX] {
        assert_eq!(read_back(&character), Ok(character));
    }
    for text in ["", "ab", "e\u{301}"] {
        assert_eq!(char::from_sql(ValueRef::Text(text)), Err(FORM), "{text}");
    }
    assert_eq!(char::from_sql(ValueRef::Null), Err(NULL));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(signed: i128, unsigned: u128, character: char, v6: u128) {
        prop_assert_eq!(read_back(&signed), Ok(signed));
        prop_assert_eq!(read_back(&unsigned), Ok(unsigned));
        prop_assert_eq!(read_back(&character), Ok(character));
        let address = Ipv6Addr::from_bits(v6);
        prop_assert_eq!(read_back(&address), Ok(address));
    }
}
