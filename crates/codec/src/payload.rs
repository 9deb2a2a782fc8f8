use std::fmt;

use crate::{Capabilities, InvalidPacket};

/// A packet that can be written.
pub trait Encode {
    /// Appends the packet's payload to `out`, in the form that `capabilities` (the negotiated set)
    /// asks for.
    fn encode(&self, capabilities: Capabilities, out: &mut PayloadWriter<'_>);
}

/// A packet that can be read.
pub trait Decode<'a>: Sized {
    /// Reads the packet from a whole payload.
    ///
    /// # Errors
    /// [`InvalidPacket`] names the packet and what is wrong with it.
    fn decode(payload: &'a [u8], capabilities: Capabilities) -> Result<Self, InvalidPacket>;
}

/// Reads the protocol's data types from a payload, one after the other.
///
/// The methods are named after the [protocol's data
/// types](https://mariadb.com/docs/server/reference/clientserver-protocol/protocol-data-types).
#[derive(Clone, Copy)]
pub struct PayloadReader<'a> {
    packet: &'static str,
    rest: &'a [u8],
}

impl<'a> PayloadReader<'a> {
    /// A reader at the start of `payload`; `packet` is the name that its errors carry.
    pub const fn new(packet: &'static str, payload: &'a [u8]) -> Self {
        Self {
            packet,
            rest: payload,
        }
    }

    /// Whether every byte has been read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What has not been read, which stays so.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, which stays unread.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads one byte if it is `byte`, and says whether it was.
    pub fn take_if(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads the byte that tells what the packet is.
    ///
    /// # Errors
    /// [`InvalidPacket::Header`] if it is not `header`, [`InvalidPacket::Empty`] if there is none.
    pub fn header(&mut self, header: u8) -> Result<(), InvalidPacket> {
        match self.peek() {
            None => Err(InvalidPacket::Empty {
                packet: self.packet,
            }),
            Some(found) if found != header => Err(InvalidPacket::Header {
                packet: self.packet,
                found,
            }),
            Some(_) => self.array::<1>().map(|_| ()),
        }
    }

    /// Reads `N` bytes.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidPacket> {
        match self.rest.split_first_chunk::<N>() {
            Some((array, rest)) => {
                self.rest = rest;
                Ok(*array)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// Reads an int\<1>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if the payload has ended.
    #[inline]
    pub fn int1(&mut self) -> Result<u8, InvalidPacket> {
        self.array().map(u8::from_le_bytes)
    }

    /// Reads an int\<2>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if fewer than two bytes are left.
    #[inline]
    pub fn int2(&mut self) -> Result<u16, InvalidPacket> {
        self.array().map(u16::from_le_bytes)
    }

    /// Reads an int\<3>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if fewer than three bytes are left.
    #[inline]
    pub fn int3(&mut self) -> Result<u32, InvalidPacket> {
        self.array()
            .map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    /// Reads an int\<4>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if fewer than four bytes are left.
    #[inline]
    pub fn int4(&mut self) -> Result<u32, InvalidPacket> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads an int\<8>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if fewer than eight bytes are left.
    #[inline]
    pub fn int8(&mut self) -> Result<u64, InvalidPacket> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads an int\<lenenc>. Encodings that are longer than needed are accepted.
    ///
    /// # Errors
    /// [`InvalidPacket::LengthPrefix`] if it is NULL (`0xfb`) or `0xff`,
    /// [`InvalidPacket::Truncated`] if the payload ends inside it.
    #[inline]
    pub fn int_lenenc(&mut self) -> Result<u64, InvalidPacket> {
        match self.int1()? {
            short @ 0..=0xfa => Ok(u64::from(short)),
            prefix => self.int_lenenc_long(prefix),
        }
    }

    #[cold]
    #[inline(never)]
    fn int_lenenc_long(&mut self, prefix: u8) -> Result<u64, InvalidPacket> {
        match prefix {
            0xfc => self.int2().map(u64::from),
            0xfd => self.int3().map(u64::from),
            0xfe => self.int8(),
            found => Err(InvalidPacket::LengthPrefix {
                packet: self.packet,
                found,
            }),
        }
    }

    /// Reads `length` bytes, a byte\<n>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if fewer are left.
    #[inline]
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], InvalidPacket> {
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.truncated(length)),
        }
    }

    /// Reads a byte\<lenenc>.
    ///
    /// # Errors
    /// Those of [`int_lenenc`](Self::int_lenenc), and [`InvalidPacket::Truncated`] if the length
    /// reaches beyond the payload.
    #[inline]
    pub fn bytes_lenenc(&mut self) -> Result<&'a [u8], InvalidPacket> {
        let length = self.int_lenenc()?;
        match usize::try_from(length) {
            Ok(length) => self.bytes(length),
            Err(_) => Err(InvalidPacket::Truncated {
                packet: self.packet,
                missing: length,
            }),
        }
    }

    /// Reads a byte\<lenenc>, or `None` for the NULL of a text row (`0xfb`).
    ///
    /// # Errors
    /// Those of [`bytes_lenenc`](Self::bytes_lenenc).
    #[inline]
    pub fn bytes_lenenc_or_null(&mut self) -> Result<Option<&'a [u8]>, InvalidPacket> {
        if self.take_if(0xfb) {
            Ok(None)
        } else {
            self.bytes_lenenc().map(Some)
        }
    }

    /// Reads a string\<lenenc>.
    ///
    /// # Errors
    /// Those of [`bytes_lenenc`](Self::bytes_lenenc), and [`InvalidPacket::Utf8`].
    pub fn str_lenenc(&mut self) -> Result<&'a str, InvalidPacket> {
        let bytes = self.bytes_lenenc()?;
        self.utf8(bytes)
    }

    /// Reads a byte\<NUL>: the bytes up to the next NUL, which is read too.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if no NUL follows.
    pub fn bytes_nul(&mut self) -> Result<&'a [u8], InvalidPacket> {
        let Some(length) = self.rest.iter().position(|&byte| byte == 0) else {
            return Err(self.truncated(self.rest.len() + 1));
        };
        let bytes = self.bytes(length)?;
        self.array::<1>()?;
        Ok(bytes)
    }

    /// Reads a string\<NUL>.
    ///
    /// # Errors
    /// [`InvalidPacket::Truncated`] if no NUL follows, [`InvalidPacket::Utf8`].
    pub fn str_nul(&mut self) -> Result<&'a str, InvalidPacket> {
        let bytes = self.bytes_nul()?;
        self.utf8(bytes)
    }

    /// Reads a byte\<EOF>: all that is left.
    pub fn bytes_eof(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`InvalidPacket::TrailingData`] if bytes are left.
    pub fn finish(self) -> Result<(), InvalidPacket> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(InvalidPacket::TrailingData {
                packet: self.packet,
                bytes,
            }),
        }
    }

    /// The error for a field of this packet that cannot have `value`.
    pub fn invalid_field(&self, field: &'static str, value: u64) -> InvalidPacket {
        InvalidPacket::Field {
            packet: self.packet,
            field,
            value,
        }
    }

    fn utf8(&self, bytes: &'a [u8]) -> Result<&'a str, InvalidPacket> {
        std::str::from_utf8(bytes).map_err(|_| InvalidPacket::Utf8 {
            packet: self.packet,
        })
    }

    #[cold]
    fn truncated(&self, wanted: usize) -> InvalidPacket {
        let missing = wanted.saturating_sub(self.rest.len());
        InvalidPacket::Truncated {
            packet: self.packet,
            missing: u64::try_from(missing).unwrap_or(u64::MAX),
        }
    }
}

/// Writes the protocol's data types to the end of a buffer.
pub struct PayloadWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> PayloadWriter<'a> {
    /// A writer that appends to `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Writes an int\<1>.
    #[inline]
    pub fn int1(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Writes an int\<2>.
    pub fn int2(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes the low 24 bits of `value`, an int\<3>.
    pub fn int3(&mut self, value: u32) {
        let [a, b, c, _] = value.to_le_bytes();
        self.bytes(&[a, b, c]);
    }

    /// Writes an int\<4>.
    pub fn int4(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes an int\<8>.
    pub fn int8(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes an int\<lenenc> in its shortest form.
    pub fn int_lenenc(&mut self, value: u64) {
        let [a, b, c, ..] = value.to_le_bytes();
        match value {
            0..=0xfa => self.int1(a),
            0xfb..=0xffff => self.bytes(&[0xfc, a, b]),
            0x1_0000..=0xff_ffff => self.bytes(&[0xfd, a, b, c]),
            _ => {
                self.int1(0xfe);
                self.int8(value);
            }
        }
    }

    /// Writes bytes as they are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes a byte\<lenenc>.
    pub fn bytes_lenenc(&mut self, bytes: &[u8]) {
        self.int_lenenc(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.bytes(bytes);
    }

    /// Writes a byte\<NUL>. `bytes` must hold no NUL: the reader would end there.
    pub fn bytes_nul(&mut self, bytes: &[u8]) {
        debug_assert!(!bytes.contains(&0), "a byte<NUL> holds a NUL");
        self.bytes(bytes);
        self.int1(0);
    }
}

/// Shows how much is left and not what it is: payloads hold SQL, values and secrets.
impl fmt::Debug for PayloadReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadReader")
            .field("packet", &self.packet)
            .field("remaining", &self.rest.len())
            .finish()
    }
}

/// Shows how much is written and not what it is.
impl fmt::Debug for PayloadWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadWriter")
            .field("written", &self.out.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenenc(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        PayloadWriter::new(&mut out).int_lenenc(value);
        out
    }

    #[test]
    fn int_lenenc_takes_the_shortest_form_and_comes_back() {
        for (value, length) in [
            (0, 1),
            (0xfa, 1),
            (0xfb, 3),
            (0xffff, 3),
            (0x1_0000, 4),
            (0xff_ffff, 4),
            (0x100_0000, 9),
            (u64::MAX, 9),
        ] {
            let bytes = lenenc(value);
            assert_eq!(bytes.len(), length, "{value:#x}");
            assert_eq!(PayloadReader::new("test", &bytes).int_lenenc(), Ok(value));
        }
    }

    #[test]
    fn int_lenenc_longer_than_needed_is_accepted() {
        assert_eq!(
            PayloadReader::new("test", &[0xfc, 1, 0]).int_lenenc(),
            Ok(1)
        );
        assert_eq!(
            PayloadReader::new("test", &[0xfe, 1, 0, 0, 0, 0, 0, 0, 0]).int_lenenc(),
            Ok(1)
        );
    }

    #[test]
    fn int_lenenc_of_null_or_0xff_is_an_error() {
        for found in [0xfb, 0xff] {
            let error = PayloadReader::new("test", &[found, 0, 0])
                .int_lenenc()
                .unwrap_err();
            assert_eq!(
                error,
                InvalidPacket::LengthPrefix {
                    packet: "test",
                    found
                }
            );
        }
    }

    #[test]
    fn lenenc_larger_than_the_packet_is_an_error_and_allocates_nothing() {
        let payload = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, b'a'];
        let error = PayloadReader::new("test", &payload)
            .bytes_lenenc()
            .unwrap_err();
        assert_eq!(
            error,
            InvalidPacket::Truncated {
                packet: "test",
                missing: 0x7fff_ffff_ffff_ffff - 1
            }
        );
    }

    #[test]
    fn bytes_nul_without_a_nul_is_an_error() {
        let error = PayloadReader::new("test", b"abc").bytes_nul().unwrap_err();
        assert_eq!(
            error,
            InvalidPacket::Truncated {
                packet: "test",
                missing: 1
            }
        );
    }

    #[test]
    fn trailing_data_is_an_error() {
        let mut reader = PayloadReader::new("test", &[1, 2, 3]);
        assert_eq!(reader.int1(), Ok(1));
        assert_eq!(
            reader.finish(),
            Err(InvalidPacket::TrailingData {
                packet: "test",
                bytes: 2
            })
        );
    }

    #[test]
    fn every_integer_comes_back() {
        let mut out = Vec::new();
        let mut writer = PayloadWriter::new(&mut out);
        writer.int1(0x12);
        writer.int2(0x3456);
        writer.int3(0x78_9abc);
        writer.int4(0xdef0_1234);
        writer.int8(0x5678_9abc_def0_1234);
        let mut reader = PayloadReader::new("test", &out);
        assert_eq!(reader.int1(), Ok(0x12));
        assert_eq!(reader.int2(), Ok(0x3456));
        assert_eq!(reader.int3(), Ok(0x78_9abc));
        assert_eq!(reader.int4(), Ok(0xdef0_1234));
        assert_eq!(reader.int8(), Ok(0x5678_9abc_def0_1234));
        assert_eq!(reader.finish(), Ok(()));
    }
}
