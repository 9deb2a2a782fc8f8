//! Content that zstd compressed.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::not_of_length;
use crate::InvalidPacket;

/// Inflates a body, one frame of zstd, that must be `inflated_bytes` long. What its headers claim is
/// never allocated at once: it grows with the blocks that are there, of 128 KiB at most.
pub(super) fn inflate(
    body: &[u8],
    inflated_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), InvalidPacket> {
    let invalid = |_| not_of_length(inflated_bytes);
    let mut rest = body;
    // A decoder that is used again would make room for the window that a frame claims.
    let mut decoder = FrameDecoder::new();
    // Who knows the length of the content has no use for a longer window.
    let window = u64::try_from(inflated_bytes).map_err(|_| not_of_length(inflated_bytes))?;
    decoder.set_max_window_size(window.max(MIN_WINDOW_BYTES));
    decoder.init(&mut rest).map_err(invalid)?;
    let mut inflated = 0;
    while !decoder.is_finished() {
        decoder
            .decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(invalid)?;
        let written = decoder.collect_to_writer(&mut *out);
        inflated += written.map_err(|_| not_of_length(inflated_bytes))?;
        // Those that the window holds back.
        if inflated + decoder.can_collect() > inflated_bytes {
            return Err(not_of_length(inflated_bytes));
        }
    }
    if inflated == inflated_bytes && rest.is_empty() {
        Ok(())
    } else {
        Err(not_of_length(inflated_bytes))
    }
}

/// That of a block. A frame may claim a window of 1 KiB for a few bytes.
const MIN_WINDOW_BYTES: u64 = 128 * 1024;

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use crate::compress::{CompressedDecoder, HEADER_BYTES};
    use crate::{InvalidPacket, MAX_BODY_BYTES};

    fn packet(body: &[u8], inflated_bytes: usize) -> Vec<u8> {
        let [s0, s1, s2, ..] = body.len().to_le_bytes();
        let [i0, i1, i2, ..] = inflated_bytes.to_le_bytes();
        [&[s0, s1, s2, 0, i0, i1, i2], body].concat()
    }

    fn frame(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    fn decoded(bytes: &[u8]) -> Result<Vec<u8>, InvalidPacket> {
        let mut decoder = CompressedDecoder::zstd();
        let mut out = Vec::new();
        for byte in bytes {
            decoder.buffer_mut().push(*byte);
            decoder.poll_packet(&mut out)?;
        }
        assert_eq!(decoder.unread(), 0);
        Ok(out)
    }

    #[test]
    fn content_comes_back_compressed_or_as_it_is() {
        let content = b"a row and another row and another row and another row".repeat(100);
        let mut bytes = packet(&frame(&content), content.len());
        assert!(bytes.len() < content.len() / 2);
        bytes.extend(packet(b"as it is", 0));
        assert_eq!(
            decoded(&bytes).unwrap(),
            [&content, b"as it is".as_slice()].concat()
        );
    }

    #[test]
    fn a_frame_of_another_length_or_that_is_none_is_an_error() {
        let content = vec![7; 300_000];
        let body = frame(&content);
        for length in [1, 299_999, 300_001, MAX_BODY_BYTES] {
            assert!(decoded(&packet(&body, length)).is_err(), "{length}");
        }
        for end in HEADER_BYTES..body.len() {
            assert!(
                decoded(&packet(&body[..end], content.len())).is_err(),
                "{end}"
            );
        }
        let longer = [&body[..], &[0]].concat();
        assert!(decoded(&packet(&longer, content.len())).is_err());
        assert!(decoded(&packet(b"hello", 9)).is_err());
    }

    #[test]
    fn a_decompression_bomb_is_an_error_and_allocates_little() {
        let body = frame(&vec![0; 10_000_000]);
        let mut decoder = CompressedDecoder::zstd();
        decoder.buffer_mut().extend(packet(&body, 100));
        let mut out = Vec::new();
        decoder.poll_packet(&mut out).unwrap_err();
        assert!(out.capacity() < 1_000_000, "{}", out.capacity());
    }
}
