#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{InvalidPacket, MAX_BODY_BYTES};

/// Turns received [compressed
/// packets](https://mariadb.com/docs/server/reference/clientserver-protocol/0-packet#compressed-packet)
/// into the stream of plain packets inside them.
///
/// The transport appends to [`buffer_mut`](Self::buffer_mut). A compressed packet may hold many
/// packets, or a part of one.
pub struct CompressedDecoder {
    buffer: Vec<u8>,
    /// Where the first byte lies that has not been inflated.
    start: usize,
    sequence_number: u8,
    inflate: Inflate,
}

/// What compressed the content.
enum Inflate {
    Zlib(Decompress),
    #[cfg(feature = "zstd")]
    Zstd,
}

impl CompressedDecoder {
    /// A decoder that has received nothing of what zlib compressed.
    pub fn new() -> Self {
        Self::of(Inflate::Zlib(Decompress::new(true)))
    }

    /// A decoder that has received nothing of what zstd compressed. Needs the feature `zstd`.
    #[cfg(feature = "zstd")]
    pub fn zstd() -> Self {
        Self::of(Inflate::Zstd)
    }

    const fn of(inflate: Inflate) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            sequence_number: 0,
            inflate,
        }
    }

    /// The buffer, with room at its end, for the transport to append to. It grows with what has
    /// arrived, never by what a header claims alone.
    pub fn buffer_mut(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.capacity() - self.buffer.len() < READ_BYTES {
            self.buffer.reserve(READ_BYTES);
        }
        &mut self.buffer
    }

    /// The bytes received and not yet inflated.
    pub fn unread(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The sequence number after that of the latest compressed packet: the one that an answer to
    /// it must have. Those received are not checked.
    pub const fn sequence_number(&self) -> u8 {
        self.sequence_number
    }

    /// Appends the content of the next compressed packet to `out` and says whether there was a
    /// whole one.
    ///
    /// # Errors
    /// [`InvalidPacket::Field`] if the content is not as long as the header says, or not of the
    /// algorithm. Little more than 16 MiB are ever appended.
    pub fn poll_packet(&mut self, out: &mut Vec<u8>) -> Result<bool, InvalidPacket> {
        let received = self.buffer.get(self.start..).unwrap_or_default();
        let Some((header, rest)) = received.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(false);
        };
        let [s0, s1, s2, sequence_number, i0, i1, i2] = *header;
        let Some(body) = rest.get(..int3([s0, s1, s2])) else {
            return Ok(false);
        };
        let inflated_bytes = int3([i0, i1, i2]);
        // "0 means that the body is not compressed"
        if inflated_bytes == 0 {
            out.extend_from_slice(body);
        } else {
            match &mut self.inflate {
                Inflate::Zlib(stream) => inflate(stream, body, inflated_bytes, out)?,
                #[cfg(feature = "zstd")]
                Inflate::Zstd => zstd::inflate(body, inflated_bytes, out)?,
            }
        }
        self.start += HEADER_BYTES + body.len();
        self.sequence_number = sequence_number.wrapping_add(1);
        Ok(true)
    }

    /// Gives memory back that a long response has needed. Called while nothing is expected.
    pub fn shrink(&mut self) {
        if self.unread() == 0 && self.buffer.capacity() > IDLE_BUFFER_BYTES {
            self.buffer = Vec::new();
            self.start = 0;
        }
    }
}

/// Inflates a body that must be `inflated_bytes` long, a piece at a time: what a header claims is
/// never allocated at once.
fn inflate(
    inflate: &mut Decompress,
    body: &[u8],
    inflated_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), InvalidPacket> {
    inflate.reset(true);
    let begin = out.len();
    let mut rest = body;
    loop {
        let done = out.len() - begin;
        // One byte more than is allowed shows that there is more.
        let room = (inflated_bytes - done + 1).min(INFLATE_BYTES);
        let mut piece = std::mem::take(out);
        piece.reserve_exact(room.saturating_sub(piece.capacity() - piece.len()));
        let before = inflate.total_in();
        let status = inflate.decompress_vec(rest, &mut piece, FlushDecompress::None);
        *out = piece;
        let consumed = usize::try_from(inflate.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(consumed..).unwrap_or_default();
        let inflated = out.len() - begin;
        match status {
            Ok(Status::StreamEnd) if inflated == inflated_bytes && rest.is_empty() => {
                return Ok(());
            }
            Ok(Status::Ok) if inflated > done && inflated <= inflated_bytes => {}
            Ok(Status::Ok) if consumed > 0 && inflated <= inflated_bytes => {}
            _ => return Err(not_of_length(inflated_bytes)),
        }
    }
}

/// The content is not what a header said, or nothing that was compressed.
fn not_of_length(inflated_bytes: usize) -> InvalidPacket {
    InvalidPacket::Field {
        packet: PACKET,
        field: "length of uncompressed payload",
        value: u64::try_from(inflated_bytes).unwrap_or(u64::MAX),
    }
}

/// Puts packets into compressed packets.
pub struct CompressedEncoder {
    deflate: Compress,
    threshold: usize,
}

impl CompressedEncoder {
    /// An encoder at a zlib level from 0 (none) to 9 (best), that leaves content shorter than
    /// `threshold` bytes as it is.
    pub fn new(level: u32, threshold: usize) -> Self {
        let level = Compression::new(level.min(9));
        Self {
            deflate: Compress::new(level, true),
            threshold,
        }
    }

    /// Appends `packets` to `out`, in compressed packets that begin at `sequence_number`, and
    /// returns the number after the last.
    ///
    /// A command begins at 0, and has compressed packets of its own: a server loses the second of
    /// two commands that share one. What is sent inside an exchange goes on from the number of
    /// the latest compressed packet, whichever side has sent it.
    pub fn encode(&mut self, packets: &[u8], mut sequence_number: u8, out: &mut Vec<u8>) -> u8 {
        for content in packets.chunks(MAX_BODY_BYTES) {
            let start = out.len();
            out.extend_from_slice(&[0; HEADER_BYTES]);
            let compressed = content.len() >= self.threshold && self.deflate(content, out);
            if !compressed {
                out.truncate(start + HEADER_BYTES);
                out.extend_from_slice(content);
            }
            let [s0, s1, s2, ..] = (out.len() - start - HEADER_BYTES).to_le_bytes();
            let [i0, i1, i2, ..] = if compressed { content.len() } else { 0 }.to_le_bytes();
            if let Some(header) = out.get_mut(start..start + HEADER_BYTES) {
                header.copy_from_slice(&[s0, s1, s2, sequence_number, i0, i1, i2]);
            }
            sequence_number = sequence_number.wrapping_add(1);
        }
        sequence_number
    }

    /// Appends the deflated content and says whether that is shorter than the content.
    fn deflate(&mut self, content: &[u8], out: &mut Vec<u8>) -> bool {
        self.deflate.reset();
        out.reserve(content.len());
        let start = out.len();
        let status = self
            .deflate
            .compress_vec(content, out, FlushCompress::Finish);
        matches!(status, Ok(Status::StreamEnd)) && out.len() - start < content.len()
    }
}

impl Default for CompressedDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows how much has been received and not what.
impl fmt::Debug for CompressedDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressedDecoder")
            .field("unread", &self.unread())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CompressedEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressedEncoder")
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

fn int3([low, middle, high]: [u8; 3]) -> usize {
    usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16
}

const PACKET: &str = "compressed packet";
const HEADER_BYTES: usize = 7;
/// Room for one read at least.
const READ_BYTES: usize = 16 * 1024;
/// A buffer above this is given back when the connection is idle.
const IDLE_BUFFER_BYTES: usize = 1024 * 1024;
/// How much is inflated at a time.
const INFLATE_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(content: &[u8], threshold: usize) -> Vec<u8> {
        let mut out = Vec::new();
        CompressedEncoder::new(6, threshold).encode(content, 0, &mut out);
        out
    }

    fn decoded(bytes: &[u8], chunk: usize) -> Result<Vec<u8>, InvalidPacket> {
        let mut decoder = CompressedDecoder::new();
        let mut out = Vec::new();
        for chunk in bytes.chunks(chunk) {
            decoder.buffer_mut().extend_from_slice(chunk);
            while decoder.poll_packet(&mut out)? {}
        }
        assert_eq!(decoder.unread(), 0);
        Ok(out)
    }

    #[test]
    fn content_comes_back_however_it_is_cut() {
        let content =
            b"SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
        for threshold in [0, 1000] {
            let bytes = encoded(content, threshold);
            for chunk in 1..=bytes.len() {
                assert_eq!(decoded(&bytes, chunk).unwrap(), content);
            }
        }
    }

    #[test]
    fn content_below_the_threshold_and_content_that_does_not_shrink_is_left_as_it_is() {
        assert_eq!(encoded(b"abc", 50), b"\x03\0\0\0\0\0\0abc");
        assert_eq!(encoded(b"abc", 0), b"\x03\0\0\0\0\0\0abc");
    }

    #[test]
    fn a_full_packet_does_not_fit_into_one_compressed_packet() {
        let content = vec![7; MAX_BODY_BYTES + 4];
        let bytes = encoded(&content, 50);
        assert!(bytes.len() < 100_000);
        assert_eq!(bytes[4..7], [0xff, 0xff, 0xff]);
        assert!(
            bytes.ends_with(b"\x04\0\0\x01\0\0\0\x07\x07\x07\x07"),
            "the rest is the second"
        );
        assert!(decoded(&bytes, 65_536).unwrap() == content);
    }

    #[test]
    fn an_exchange_goes_on_from_the_number_of_the_latest_compressed_packet() {
        let mut decoder = CompressedDecoder::new();
        let mut encoder = CompressedEncoder::new(6, 50);
        let mut out = Vec::new();
        assert_eq!(encoder.encode(b"abc", 254, &mut out), 255);
        assert_eq!(
            encoder.encode(&vec![7; MAX_BODY_BYTES + 1], 255, &mut out),
            1
        );
        decoder.buffer_mut().extend_from_slice(&out);
        let mut numbers = Vec::new();
        while decoder.poll_packet(&mut Vec::new()).unwrap() {
            numbers.push(decoder.sequence_number());
        }
        assert_eq!(numbers, [255, 0, 1]);
    }

    #[test]
    fn a_decompression_bomb_is_an_error_and_allocates_little() {
        let mut bytes = encoded(&vec![0; 10_000_000], 50);
        // It claims 100 bytes.
        bytes[4..7].copy_from_slice(&[100, 0, 0]);
        let mut decoder = CompressedDecoder::new();
        decoder.buffer_mut().extend_from_slice(&bytes);
        let mut out = Vec::new();
        let error = decoder.poll_packet(&mut out).unwrap_err();
        let field = "length of uncompressed payload";
        assert_eq!(
            error,
            InvalidPacket::Field {
                packet: "compressed packet",
                field,
                value: 100
            }
        );
        assert!(out.capacity() < 1000);
    }

    #[test]
    fn a_compressed_packet_that_inflates_to_less_than_it_claims_is_an_error() {
        let mut bytes = encoded(&[0; 1000], 50);
        bytes[4..7].copy_from_slice(&[0xff, 0xff, 0xff]);
        assert!(decoded(&bytes, 10_000).is_err());
    }

    #[test]
    fn what_is_no_zlib_stream_or_goes_on_behind_it_is_an_error() {
        assert!(decoded(b"\x05\0\0\0\x09\0\0hello", 100).is_err());
        let mut bytes = encoded(&[0; 1000], 50);
        bytes.push(0);
        bytes[0] += 1;
        assert!(decoded(&bytes, 10_000).is_err());
    }
}
