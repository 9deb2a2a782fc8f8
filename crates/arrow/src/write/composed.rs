//! Values that have to be put together.

use std::fmt::Write;
use std::ops::Range;

use arrow::array::{Array, Float32Array};
use arrow::datatypes::i256;
use otaria_types::{Decimal, ParameterSink};

use super::CellRefusal;
use super::cells::Cells;

pub(super) fn write_decimal(
    unscaled: i128,
    scale: i8,
    out: &mut impl ParameterSink,
) -> Result<(), CellRefusal> {
    let decimal = match u8::try_from(scale) {
        Ok(scale) => Decimal::from_i128(unscaled, scale),
        Err(_) => 10_i128
            .checked_pow(u32::from(scale.unsigned_abs()))
            .and_then(|factor| unscaled.checked_mul(factor))
            .and_then(|whole| Decimal::from_i128(whole, 0)),
    };
    out.decimal(&decimal.ok_or(CellRefusal::Digits)?);
    Ok(())
}

pub(super) fn write_long_decimal(
    unscaled: i256,
    scale: i8,
    out: &mut impl ParameterSink,
) -> Result<(), CellRefusal> {
    if let (Some(unscaled), 0..=38) = (unscaled.to_i128(), scale) {
        return write_decimal(unscaled, scale, out);
    }
    let mut text = unscaled.to_string();
    match usize::try_from(scale) {
        Ok(0) => {}
        Ok(scale) => {
            let sign = usize::from(text.starts_with('-'));
            while text.len() - sign <= scale {
                text.insert(sign, '0');
            }
            text.insert(text.len() - scale, '.');
        }
        Err(_) => text.extend(std::iter::repeat_n('0', scale.unsigned_abs().into())),
    }
    let decimal = Decimal::parse(text.as_bytes()).map_err(|_| CellRefusal::Digits)?;
    out.decimal(&decimal);
    Ok(())
}

/// Writes a whole number with all its digits.
#[cold]
pub(super) fn write_long_integer(value: f64, out: &mut impl ParameterSink) {
    match Decimal::parse(format!("{value:.0}").as_bytes()) {
        Ok(decimal) => out.decimal(&decimal),
        // The server says that it is out of range.
        Err(_) => out.double(value),
    }
}

/// The 36 characters of a UUID.
pub(super) fn uuid_text(bytes: &[u8]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let places = text
        .iter_mut()
        .enumerate()
        .filter(|(place, _)| ![8, 13, 18, 23].contains(place));
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    for ((_, place), digit) in places.zip(digits) {
        *place = match digit {
            0..=9 => b'0' + digit,
            _ => b'a' - 10 + digit,
        };
    }
    text
}

pub(super) fn write_geometry(
    wkb: &[u8],
    srid: u32,
    out: &mut impl ParameterSink,
) -> Result<(), CellRefusal> {
    if wkb.len() < SHORTEST_WKB {
        return Err(CellRefusal::Wkb);
    }
    let mut bytes = Vec::with_capacity(4 + wkb.len());
    bytes.extend_from_slice(&srid.to_le_bytes());
    bytes.extend_from_slice(wkb);
    out.bytes(&bytes);
    Ok(())
}

pub(super) fn write_vector(
    range: Range<usize>,
    floats: &Float32Array,
    out: &mut impl ParameterSink,
) -> Result<(), CellRefusal> {
    if floats.null_count() > 0 && range.clone().any(|place| floats.is_null(place)) {
        return Err(CellRefusal::NullElement);
    }
    let values = floats.values();
    let vector = values.get(range.clone()).unwrap_or_default();
    if !vector.iter().all(|value| value.is_finite()) {
        return Err(CellRefusal::NotFinite);
    }
    let bytes = values.inner().as_slice();
    match bytes.get(range.start * size_of::<f32>()..range.end * size_of::<f32>()) {
        Some(bytes) if cfg!(target_endian = "little") => out.bytes(bytes),
        _ => {
            let bytes: Vec<u8> = vector
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            out.bytes(&bytes);
        }
    }
    Ok(())
}

pub(super) fn write_set(
    range: Range<usize>,
    members: &Cells,
    out: &mut impl ParameterSink,
) -> Result<(), CellRefusal> {
    let mut text = String::new();
    for (count, place) in range.enumerate() {
        let member = members.text(place).ok_or(CellRefusal::NullElement)?;
        if member.is_empty() || member.contains(',') {
            return Err(CellRefusal::Member);
        }
        let comma = if count > 0 { "," } else { "" };
        // Writing into memory does not fail.
        let _ = write!(text, "{comma}{member}");
    }
    out.text(&text);
    Ok(())
}

/// Byte order, type, and a count of points or the like.
const SHORTEST_WKB: usize = 9;
