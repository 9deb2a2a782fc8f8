//! Digits by words of eight bytes: what a loop over the bytes does, in a fraction of the instructions.
#![expect(
    clippy::inline_always,
    reason = "a call a cell costs more than the cell"
)]

/// The first `bytes` of a cell, 1 to 8, as the last of a word: what is missing in front are zeros
/// where characters are digits. `wide` begins with the cell.
#[inline(always)]
pub(crate) fn at_the_end(wide: &[u8], bytes: usize) -> u64 {
    let word = match wide.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => padded(wide),
    };
    let shift = u32::try_from(8 * (8 - bytes.min(8))).unwrap_or_default();
    (word ^ ZEROS).wrapping_shl(shift)
}

/// The eight characters, the digits among them as numbers.
#[inline(always)]
pub(crate) const fn whole(word: [u8; 8]) -> u64 {
    u64::from_le_bytes(word) ^ ZEROS
}

/// A word that is 0 if each byte of `digits` is one digit.
#[inline(always)]
pub(crate) const fn not_digits(digits: u64) -> u64 {
    // From 10 on, 0x76 more sets the highest bit; what is carried over comes from such a byte.
    (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
}

/// The pairs of digits: every second byte, from the first, is a number up to 99.
#[inline(always)]
pub(crate) const fn pairs(digits: u64) -> u64 {
    digits.wrapping_mul(10).wrapping_add(digits >> 8)
}

/// The number that eight digits are, the first in the lowest byte.
#[inline(always)]
pub(crate) const fn number(digits: u64) -> u64 {
    let pairs = pairs(digits);
    // The first and the third pair, the second and the fourth: two multiplications add up all.
    let odd = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let even = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    odd.wrapping_add(even) >> 32
}

/// The number that up to 16 digits are, behind their length, and what follows; `None` for all else,
/// which may be a number all the same.
#[inline(always)]
pub(crate) fn unsigned(rest: &[u8]) -> Option<(u64, &[u8])> {
    let (&length, wide) = rest.split_first()?;
    let length = usize::from(length);
    let (cell, behind) = wide.split_at_checked(length)?;
    let value = if length.wrapping_sub(1) < 8 {
        let digits = at_the_end(wide, length);
        (not_digits(digits) == 0).then(|| number(digits))
    } else {
        two_words(cell)
    };
    Some((value?, behind))
}

#[inline(always)]
fn two_words(cell: &[u8]) -> Option<u64> {
    if cell.len() > 16 {
        return None;
    }
    let high = at_the_end(cell, cell.len().wrapping_sub(8));
    let low = whole(*cell.last_chunk()?);
    (not_digits(high) | not_digits(low) == 0).then(|| number(high) * 100_000_000 + number(low))
}

/// A word of the last bytes of a row.
#[cold]
#[inline(never)]
fn padded(short: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(short) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_a_number() {
        for value in [0, 1, 9, 10, 99, 12_345_678, 99_999_999, 10_203_040] {
            let text = format!("{value:08}");
            let digits = whole(*text.as_bytes().first_chunk().unwrap());
            assert_eq!(not_digits(digits), 0);
            assert_eq!(number(digits), value);
        }
    }

    #[test]
    fn every_byte_that_is_no_digit_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for at in 0..8 {
                for others in *b"09" {
                    let mut word = [others; 8];
                    word[at] = byte;
                    let all_digits = not_digits(whole(word)) == 0;
                    assert_eq!(all_digits, byte.is_ascii_digit(), "{byte} at {at}");
                }
            }
        }
    }

    #[test]
    fn numbers_of_up_to_16_digits_are_read_with_and_without_bytes_behind_them() {
        for digits in 1..=16_usize {
            let (text, _) = "1234567890123456".split_at(digits);
            let value: u64 = text.parse().unwrap();
            for behind in ["", "x", "99999999999"] {
                let row = [
                    &[u8::try_from(digits).unwrap()],
                    text.as_bytes(),
                    behind.as_bytes(),
                ];
                let row = row.concat();
                assert_eq!(unsigned(&row), Some((value, behind.as_bytes())), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_such_number_is_left_to_others() {
        for row in [
            &b""[..],
            b"\x00",
            b"\x00123",
            b"\x01-",
            b"\x02-1",
            b"\x09-12345678",
            b"\x0912345678x",
            b"\x0a1234",
            b"\x1112345678901234567",
            b"\xfb",
        ] {
            assert_eq!(unsigned(row), None, "{row:?}");
        }
    }
}
